"""Reads the opening hours of a queue, exceptions included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.vendors.amazon_connect.mapping.item import Json, as_object, as_objects, as_text


def is_open(hours: Json, now: datetime) -> bool | None:
    """Say whether a queue is open now; None when the answer cannot be read.

    `hours` is the answer of GetEffectiveHoursOfOperations, in which overrides are applied already.
    """
    try:
        local = now.astimezone(ZoneInfo(as_text(hours.get("TimeZone")))).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    days = as_objects(hours.get("EffectiveHoursOfOperationList"))
    if not days:
        return None
    return any(start <= local < end for day in days for start, end in _spans(day))


def _spans(day: Json) -> Iterator[tuple[datetime, datetime]]:
    try:
        on = date.fromisoformat(as_text(day.get("Date")))
    except ValueError:
        return
    for hours in as_objects(day.get("OperationalHours")):
        start, end = _clock(hours.get("Start")), _clock(hours.get("End"))
        if start is not None and end is not None:
            # An end at or before the start is on the next day; midnight is such an end.
            later = on + timedelta(days=1) if end <= start else on
            yield datetime.combine(on, start), datetime.combine(later, end)


def _clock(value: object) -> time | None:
    at = as_object(value)
    hours, minutes = at.get("Hours", 0), at.get("Minutes", 0)
    if not isinstance(hours, int) or not isinstance(minutes, int):
        return None
    return time(hours % 24, minutes) if 0 <= minutes < 60 else None
