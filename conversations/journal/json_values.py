"""Say which JSON values can be kept: PostgreSQL refuses NUL and half of a surrogate pair."""

from __future__ import annotations

import re

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Return the text with a replacement character for each one that could not be stored."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def is_storable(value: object) -> bool:
    """Say whether every text in a value read from JSON can be stored."""
    try:
        return _is_storable(value)
    except RecursionError:
        return False


def _is_storable(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and _is_unicode(value)
    if isinstance(value, dict):
        return all(map(_is_storable, value)) and all(map(_is_storable, value.values()))
    if isinstance(value, list):
        return all(map(_is_storable, value))
    return True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
