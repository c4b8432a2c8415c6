"""Cuts texts to a vendor's limit, in the unit of that limit, never inside what is seen as one.

A limit counts what goes over the wire: choose the measure that the vendor's page names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import regex

from integrations.kit.json_values import json_text

Measure = Callable[[str], int]

_GRAPHEME = regex.compile(r"\X")
# A piece ends behind a blank, where one stands in its last quarter.
_SEARCHED = 0.25


def characters(text: str) -> int:
    """Count Unicode code points."""
    return len(text)


def utf16_units(text: str) -> int:
    """Count as Java, JavaScript and C# do."""
    return len(text) + sum(character > "\uffff" for character in text)


def utf8_bytes(text: str) -> int:
    """Count the bytes of a text that is sent as it is."""
    return len(text.encode("utf-8", errors="replace"))


def json_bytes(text: str) -> int:
    """Count the bytes of a text within a JSON body of ours."""
    return len(json_text(text).encode()) - 2


def pieces(text: str, limit: int, measure: Measure = characters) -> Iterator[str]:
    """Yield the text in parts of at most `limit`; together they are the text, to the character.

    Where one grapheme alone is over the limit it is cut between its code points.
    """
    while measure(text) > limit:
        end = _fitting(text, limit, measure)
        end = _behind_blank(text, end) or end
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def shortened(text: str, limit: int, measure: Measure = characters) -> str:
    """Return as much of the beginning as fits, without half a grapheme; empty if none fits."""
    return text if measure(text) <= limit else text[: _graphemes_fitting(text, limit, measure)]


def ending(text: str, limit: int, measure: Measure = characters) -> str:
    """Return as much of the end as fits, without half a grapheme; empty if none fits."""
    if measure(text) <= limit:
        return text
    start, room = len(text), limit
    for grapheme in reversed(_GRAPHEME.findall(text)):
        room -= measure(grapheme)
        if room < 0:
            break
        start -= len(grapheme)
    return text[start:]


def packed(lines: Sequence[str], limit: int, measure: Measure = characters) -> list[str]:
    """Join lines, each within the limit, into as few blocks as fit."""
    blocks: list[str] = []
    for line in lines:
        if blocks and measure(f"{blocks[-1]}\n{line}") <= limit:
            blocks[-1] += f"\n{line}"
        else:
            blocks.append(line)
    return blocks


def _fitting(text: str, limit: int, measure: Measure) -> int:
    """Return where the first piece ends; always beyond nothing."""
    if end := _graphemes_fitting(text, limit, measure):
        return end
    end, room = 0, limit
    for character in text:
        room -= measure(character)
        if room < 0:
            break
        end += 1
    return max(end, 1)


def _graphemes_fitting(text: str, limit: int, measure: Measure) -> int:
    end = 0
    for match in _GRAPHEME.finditer(text):
        limit -= measure(match.group())
        if limit < 0:
            break
        end = match.end()
    return end


def _behind_blank(text: str, end: int) -> int:
    """Return the place behind the last blank shortly before `end`; 0 where there is none."""
    start = end - int(end * _SEARCHED)
    return max(text.rfind("\n", start, end), text.rfind(" ", start, end)) + 1
