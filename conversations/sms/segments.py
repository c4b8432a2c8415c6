"""Counts a text message's segments as every carrier does: GSM-7 where all fits, else UCS-2."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from integrations.kit.cutting import utf16_units

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of them takes two places.
_EXTENDED = frozenset("^{}\\[~]|€\f")
GSM_7, UCS_2 = "GSM-7", "UCS-2"
# Of one text alone, and of each part of a longer one.
_PLACES = {GSM_7: (160, 153), UCS_2: (70, 67)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """How a text travels: its encoding, and in how many segments."""

    encoding: str
    count: int


def segments_of(text: str) -> Segments:
    """Return how a text travels; an empty one (a picture alone) is one segment.

    A character that takes two places never stands across the border of two segments.
    """
    is_plain = _BASIC.issuperset(set(text) - _EXTENDED)
    encoding = GSM_7 if is_plain else UCS_2
    whole, part = _PLACES[encoding]
    size = _septets(text) if is_plain else utf16_units(text)
    if size <= whole:
        return Segments(encoding=encoding, count=1)
    return Segments(encoding=encoding, count=_parts(text, part, is_plain=is_plain, size=size))


def _septets(text: str) -> int:
    return len(text) + sum(character in _EXTENDED for character in text)


def _parts(text: str, room: int, *, is_plain: bool, size: int) -> int:
    wide = _EXTENDED if is_plain else None
    if size == len(text):
        return ceil(size / room)
    count, used = 1, 0
    for character in text:
        places = 2 if (character in wide if wide else character > "\uffff") else 1
        if used + places > room:
            count, used = count + 1, 0
        used += places
    return count
