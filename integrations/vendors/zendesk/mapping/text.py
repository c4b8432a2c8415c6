"""Cuts texts to the length Zendesk takes, never inside what a reader sees as one character."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MAX_TEXT_UNITS = 4096
_MAX_STEPS_BACK = 64
_JOINER = "\u200d"


def units(text: str) -> int:
    """Count UTF-16 units, which is how Zendesk measures."""
    return len(text) + sum(char > "\uffff" for char in text)


def pieces(text: str, limit: int = MAX_TEXT_UNITS) -> Iterator[str]:
    """Yield the text in parts of at most `limit` units; together they are the text."""
    while units(text) > limit:
        cut = _cut(text, limit)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _cut(text: str, limit: int) -> int:
    """Choose where to cut: behind a blank near the end, else between two characters."""
    end = _longest(text, limit)
    blank = max(text.rfind("\n", end * 3 // 4, end), text.rfind(" ", end * 3 // 4, end))
    if blank > 0:
        return blank + 1
    for cut in range(end, max(end - _MAX_STEPS_BACK, 0), -1):
        if not _belongs(text, cut):
            return cut
    return end


def _longest(text: str, limit: int) -> int:
    used = 0
    for index, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _belongs(text: str, index: int) -> bool:
    """Say whether the character at `index` is drawn as part of the one before it."""
    char, before = text[index], text[index - 1]
    if char == _JOINER or before == _JOINER or unicodedata.category(char).startswith("M"):
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    return _is_flag_half(char) and _flag_halves_before(text, index) % 2 == 1


def _flag_halves_before(text: str, index: int) -> int:
    start = index
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return index - start


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
