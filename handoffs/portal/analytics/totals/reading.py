"""Read a long range from the totals of its days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from conversations.models import DayTotal
from handoffs.portal.analytics.counting.numbers import (
    BIN_LABELS,
    DIMENSIONS,
    MEASURES,
    Failures,
    Group,
    Overview,
    Quality,
    Waiting,
    Why,
)
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.counting.spreads import VALUES_MIN, Spread, rank_of
from handoffs.portal.analytics.totals.clock import totals_basis
from handoffs.portal.analytics.totals.steps import bin_of, steps_spread

# A shorter range is counted from the facts, to the millisecond.
LONG_DAYS = 92
Days = Sequence[tuple[date, dict[str, Any]]]


def days_read(scope: Scope, tab: str) -> Days | None:
    """Return the totals of each day that has some; None where facts have to be counted."""
    project = scope.project
    is_long = len(scope.days) > LONG_DAYS and not scope.is_narrowed
    is_made = project.totals_basis == totals_basis(project)
    if not (is_long and is_made and scope.zone.key == project.time_zone):
        return None
    rows = DayTotal.objects.filter(
        project=project,
        environment=scope.given["environment"],
        day__gte=scope.span.start,
        day__lte=scope.span.end,
    )
    found = list(rows.order_by("day").values_list("day", "made_at", tab))
    if any(made_at is None for _, made_at, _ in found):
        return None
    return [(day, numbers) for day, _, numbers in found]


def overview(days: Days) -> Overview:
    """Add up outcomes and conversations."""
    result = Overview()
    for day, numbers in days:
        for outcome, n in numbers["outcomes"].items():
            result.by_day[outcome, day] = n
        result.queued += numbers["queued"]
        result.conversations += numbers["conversations"]
        result.handed += numbers["handed"]
    return result


def waiting(days: Days) -> Waiting:
    """Add up the distributions of durations, and the hours."""
    result = Waiting()
    steps: dict[str, Counter[int]] = {name: Counter() for name in MEASURES}
    for day, numbers in days:
        result.queued += numbers["queued"]
        result.within += numbers["within"]
        result.by_day[day] = Spread(*numbers["wait"])
        for hour, n in numbers["hours"].items():
            result.hours[day.isoweekday(), int(hour)] += n
        for name, found in numbers["steps"].items():
            mine = steps[name]
            for step, n in found.items():
                mine[int(step)] += n
    result.spreads = {name: steps_spread(found) for name, found in steps.items()}
    for name in ("wait", "handle"):
        result.bins[name] = Counter()
        for step, n in steps[name].items():
            result.bins[name][bin_of(step)] += n
    return result


def why(days: Days) -> Why:
    """Add up groups; of their waits the histogram's column of the median is known."""
    found: Why = {name: {} for name in DIMENSIONS}
    waits: dict[tuple[str, str], Counter[int]] = {}
    for _, numbers in days:
        for name, groups in numbers.items():
            for key, one in groups.items():
                group = found[name].setdefault(key, Group())
                group.handoffs += one["n"][0]
                group.answered += one["n"][1]
                group.abandoned += one["n"][2]
                mine = waits.setdefault((name, key), Counter())
                for at, n in one["waits"].items():
                    mine[int(at)] += n
    for (name, key), bins in waits.items():
        found[name][key].median_wait = _median_bin(bins)
    return found


def _median_bin(bins: Counter[int]) -> str:
    n, seen = bins.total(), 0
    if n < VALUES_MIN:
        return "—"
    for at in sorted(bins):
        seen += bins[at]
        if seen > rank_of(n, 0.5):
            return BIN_LABELS[at]
    return "—"


_SUMS = ("talks", "contained", "settled", "settled_of", "asked")


def quality(days: Days) -> Quality:
    """Add up containment, ratings and who came back."""
    result = Quality()
    for _, numbers in days:
        for name in _SUMS:
            setattr(result, name, getattr(result, name) + numbers[name])
        for scores, n in numbers["rated"].items():
            ai_agent, live_agent = (int(one) if one else None for one in scores.split("/"))
            result.rated[ai_agent, live_agent] += n
        for name in ("ended", "returned"):
            counted: Counter[tuple[str, str, str]] = getattr(result, name)
            for key, n in numbers[name].items():
                who, after, window = key.split("/")
                counted[who, after, window] += n
    return result


def failures(days: Days) -> Failures:
    """Add up error codes."""
    result = Failures()
    for _, numbers in days:
        result.total += numbers["total"]
        result.codes.update(numbers["codes"])
        result.refused.update(numbers["refused"])
    return result


READ: dict[str, Callable[[Days], Any]] = {
    "overview": overview,
    "waiting": waiting,
    "why": why,
    "quality": quality,
    "failures": failures,
}
