"""Say which JSON values can be kept: PostgreSQL refuses NUL and half of a surrogate pair."""

from __future__ import annotations


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
