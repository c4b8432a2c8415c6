"""What the filters of a list share: dates as people choose them, and chips that take one away."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from django.db.models import Q
from django.utils import timezone

VALUE_MAX, SEARCH_MAX = 128, 200
_DAYS = ("from", "to")
# What an address may hold beside filters.
_OF_PAGES = ("page", "format", "figure")
# What the choice of dates offers: its name, its words, and how many days it goes back.
PERIODS: dict[str, tuple[str, int]] = {
    "today": ("Today", 0),
    "yesterday": ("Yesterday", 1),
    "7d": ("7 days", 6),
    "30d": ("30 days", 29),
    "90d": ("90 days", 89),
    "365d": ("365 days", 364),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    label: str
    value: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days from and to, both included; None is open."""

    start: date | None = None
    end: date | None = None

    def bounds(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the first moment of the first day, and the first after the last."""
        after = self.end + timedelta(days=1) if self.end and self.end < date.max else None
        return _midnight(self.start, zone), _midnight(after, zone)


def asked_read(
    asked: Mapping[str, str],
    names: Iterable[str],
    offered: Mapping[str, Container[str]],
    longest: int = VALUE_MAX,
) -> dict[str, str]:
    """Return what an address asks for by each name, cut to its length and without its blanks.

    Of a name in `offered`, what is not offered narrows nothing, and no more does what is no day.
    """
    kept = {}
    for name in names:
        text = str(asked.get(name, "")).replace("\x00", "").strip()
        text = text[: SEARCH_MAX if name == "q" else longest]
        is_offered = name not in offered or text in offered[name]
        is_day = name not in _DAYS or day_read(text) is not None
        kept[name] = text if is_offered and is_day else ""
    return kept


def asked_unused(asked: Mapping[str, str], kept: Mapping[str, str]) -> list[str]:
    """Say what of an address narrows a list not at all, or not as it was written."""
    found = []
    for name, value in asked.items():
        text = str(value).strip()
        if not text or name in _OF_PAGES:
            continue
        if name not in kept:
            found.append(f"There is no filter “{name[:40]}”.")
        elif not kept[name]:
            cure = "a day such as 2026-11-29" if name in _DAYS else "one of its choices"
            found.append(f"“{text[:40]}” is ignored: {name} takes {cure}.")
        elif kept[name] != text:
            found.append(f"Of {name}, the first {len(kept[name])} characters are looked for.")
    return found + _days_unused(kept)


def _days_unused(kept: Mapping[str, str]) -> list[str]:
    first, last = (kept.get(name, "") for name in _DAYS)
    if kept.get("period") and (first or last):
        return [f"From and to are ignored: {PERIODS[kept['period']][0].lower()} was chosen."]
    if first and last and day_read(first) > day_read(last):  # type: ignore[operator]
        return ["Nothing fits: the last day is before the first."]
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """What a list is narrowed to, as it stands in the address; days are the zone's."""

    given: Mapping[str, str]
    span: Span = field(default_factory=Span)
    zone: tzinfo = UTC

    @property
    def query(self) -> dict[str, str]:
        """Return what is on, as parameters of the address."""
        return {name: text for name, text in self.given.items() if text}

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return when the days begin, and when they are over."""
        return self.span.bounds(self.zone)

    def within_days(self, by: str) -> Q:
        """Match the rows whose time in the field `by` is within the days."""
        start, end = self.bounds()
        found = Q((f"{by}__gte", start)) if start else Q()
        return found & Q((f"{by}__lt", end)) if end else found


def span_read(given: Mapping[str, str], zone: tzinfo, *, default: str = "") -> Span:
    """Return the days that `period`, or `from` and `to`, ask for; what cannot be read is open."""
    period = given.get("period", "")
    start, end = day_read(given.get("from", "")), day_read(given.get("to", ""))
    if period not in PERIODS and not (start or end):
        period = default
    if period not in PERIODS:
        return Span(start=start, end=end)
    today = timezone.now().astimezone(zone).date()
    first = today - timedelta(days=PERIODS[period][1])
    return Span(start=first, end=first if period == "yesterday" else today)


def day_read(text: str) -> date | None:
    """Return the day of a text such as 2026-11-29; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def chips(shown: Mapping[str, tuple[str, str]], query: Mapping[str, str]) -> list[Chip]:
    """Return a chip for each filter that is on, by its name in the query: its label and value."""
    found = []
    for name, (label, value) in shown.items():
        if query.get(name):
            rest = {key: text for key, text in query.items() if text and key != name}
            found.append(Chip(label, value, urlencode(rest)))
    return found


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    if day is None:
        return None
    # A day or two beyond the calendar's ends, and a zone takes them out of it.
    day = min(max(day, date(1, 1, 3)), date(9999, 12, 29))
    return datetime.combine(day, time.min, tzinfo=zone)
