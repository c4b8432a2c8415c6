"""Say which JSON values can be kept: PostgreSQL refuses NUL and half of a surrogate pair."""

from __future__ import annotations

import re

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Return the text with a replacement character for each one that could not be stored."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def has_valid_text(value: object) -> bool:
    """Say whether every text in a value read from JSON can be stored."""
    try:
        return _has_valid_text(value)
    except RecursionError:
        return False


def _has_valid_text(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and _is_unicode(value)
    if isinstance(value, dict):
        return all(map(_has_valid_text, value)) and all(map(_has_valid_text, value.values()))
    if isinstance(value, list):
        return all(map(_has_valid_text, value))
    return True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
