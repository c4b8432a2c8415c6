"""Opening hours as an admin writes them: a time zone, lines of weekly hours, lines of holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from integrations.projects.lists.time_zones import time_zones

# Minutes of a day: from the first, up to but not including the second.
Range = tuple[int, int]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_HOLIDAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s+(.*))?")
_WEEKLY = re.compile(r"([A-Za-z][A-Za-z,\s-]*?)\s+(\d.*)")
_SHORTEST_DAY_NAME = 3
_MIDNIGHT = 24 * 60
_LOOK_AHEAD_MINUTES = 14 * _MIDNIGHT


class LineError(ValueError):
    """A line that cannot be read; the message names it and shows what was expected."""

    def __init__(self, number: int, expected: str) -> None:
        """Say which line, counted from one as an editor does."""
        super().__init__(f"Line {number}: {expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessHours:
    """When live agents are there; a holiday replaces what its weekday says."""

    zone: ZoneInfo
    weekly: Mapping[int, list[Range]] = field(default_factory=dict)
    holidays: Mapping[date, list[Range]] = field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Say whether a moment is within the hours, by the clocks of the zone."""
        there = at.astimezone(self.zone)
        minute = there.hour * 60 + there.minute
        ranges = self.holidays.get(there.date(), self.weekly.get(there.weekday(), []))
        return any(start <= minute < end for start, end in ranges)

    def next_open(self, after: datetime) -> datetime | None:
        """Return the next moment within the hours, to the minute; None in the next two weeks."""
        at = after.replace(second=0, microsecond=0)
        steps = (at + timedelta(minutes=n) for n in range(1, _LOOK_AHEAD_MINUTES))
        return next((moment for moment in steps if self.is_open(moment)), None)


def hours_of(zone: str, weekly: str, holidays: str) -> BusinessHours | None:
    """Return the hours that were written, or None where none are; raises ValueError."""
    if not weekly.strip():
        return None
    return BusinessHours(
        zone=zone_read(zone), weekly=weekly_read(weekly), holidays=holidays_read(holidays)
    )


def zone_read(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises ValueError."""
    if name.strip() not in time_zones():
        raise ValueError("Enter a time zone such as Europe/Berlin or America/New_York.")
    return ZoneInfo(name.strip())


def weekly_read(text: str) -> dict[int, list[Range]]:
    """Return the ranges by weekday, Monday being 0; raises LineError."""
    found: dict[int, list[Range]] = {}
    for number, line in _lines(text):
        match = _WEEKLY.fullmatch(line)
        if match is None:
            raise LineError(number, "expected days and hours, such as Mon-Fri 09:00-17:30.")
        ranges = _ranges(match[2], number)
        for day in _days(match[1], number):
            found.setdefault(day, []).extend(ranges)
    return found


def holidays_read(text: str) -> dict[date, list[Range]]:
    """Return the ranges by date, none for a day without any; raises LineError."""
    found: dict[date, list[Range]] = {}
    for number, line in _lines(text):
        match = _HOLIDAY.fullmatch(line)
        day = _date(match[1]) if match else None
        if match is None or day is None:
            raise LineError(number, "expected a date, such as 2026-12-25.")
        found.setdefault(day, []).extend(_ranges(match[2], number) if match[2] else [])
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is written, with its number; what follows # is a remark."""
    for number, line in enumerate(text.splitlines(), start=1):
        if content := line.partition("#")[0].strip():
            yield number, content


def _days(text: str, number: int) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        start = _day(first, number)
        end = _day(last, number) if last else start
        # Fri-Mon goes over the weekend.
        days += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return days


def _day(name: str, number: int) -> int:
    short = name.strip().lower()
    for index, day in enumerate(_DAYS):
        if len(short) >= _SHORTEST_DAY_NAME and day.startswith(short):
            return index
    raise LineError(number, "days are Mon, Tue, Wed, Thu, Fri, Sat and Sun.")


def _ranges(text: str, number: int) -> list[Range]:
    return [_range(part, number) for part in text.split(",")]


def _range(text: str, number: int) -> Range:
    first, _, last = text.partition("-")
    start, end = _minute(first, number), _minute(last, number)
    if end <= start:
        raise LineError(number, "the end must be after the beginning; midnight is 24:00.")
    return start, end


def _minute(text: str, number: int) -> int:
    match = _TIME.fullmatch(text.strip())
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minute <= _MIDNIGHT:
        raise LineError(number, "times are written as 09:00-17:30.")
    return minute


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
