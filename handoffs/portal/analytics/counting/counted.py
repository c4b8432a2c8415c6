"""Count a range's facts as they are, whatever the filter; each tab in two statements or three."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import CharField, Count, F, Q, QuerySet, Value
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, TruncDay
from django.utils import timezone

from handoffs.portal.analytics.counting.numbers import (
    BIN_LABELS,
    BINS,
    DIMENSIONS,
    LEFT,
    MEASURES,
    NOTHING,
    UNMEASURED,
    WINDOWS,
    Failures,
    Group,
    Overview,
    Quality,
    Waiting,
    Why,
)
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.counting.spreads import (
    Percentile,
    Spread,
    counts,
    has_percentiles,
    spread,
    spreads,
    spreads_at_once,
)
from handoffs.portal.one_handoff.outcomes import Outcome
from handoffs.portal.one_handoff.wording import duration_text

ANSWERED = Q(outcome=Outcome.ANSWERED)
ABANDONED = Q(outcome=Outcome.ABANDONED)
# Of what a vendor had in its queue.
QUEUED = Q(is_queued=True) & ~Q(outcome__in=UNMEASURED)
BINNED = ("wait", "handle")


def overview(scope: Scope) -> Overview:
    """Count outcomes by day, and conversations."""
    found = counts(_handoffs(scope), "outcome", "is_queued", day=_day(scope))
    result = Overview()
    for (outcome, is_queued, at), n in found.items():
        result.by_day[outcome, at.date()] += n
        result.queued += n if is_queued and outcome not in UNMEASURED else 0
    talks = scope.conversations().filter(has_words=True)
    sums = talks.aggregate(all=Count("pk"), handed=Count("pk", filter=Q(handoffs__gt=0)))
    result.conversations, result.handed = sums["all"], sums["handed"]
    return result


def waiting(scope: Scope) -> Waiting:
    """Measure durations, and count hours."""
    rows = _handoffs(scope)
    measures = {
        name: (column, ABANDONED if name == "giving_up" else ANSWERED)
        for name, column in MEASURES.items()
    }
    measured, by_day = spreads_at_once(rows, measures, day=_day(scope), by_day="wait")
    result = Waiting(
        spreads=measured,
        by_day={at.date(): found for at, found in by_day.items()},
        bins={name: Counter() for name in BINNED},
    )
    by_hour = rows.values(
        weekday=ExtractIsoWeekDay("requested_at", tzinfo=scope.zone),
        hour=ExtractHour("requested_at", tzinfo=scope.zone),
    )
    for row in by_hour.annotate(n=Count("pk"), **_waiting_sums(scope)):
        result.hours[row["weekday"], row["hour"]] = row["n"]
        result.queued += row["queued"]
        result.within += row["within"]
        for name in BINNED:
            for at in range(len(BIN_LABELS)):
                result.bins[name][at] += row[f"{name}_{at}"]
    return result


def _waiting_sums(scope: Scope) -> dict[str, Any]:
    """Return what is counted of the handoffs of an hour beside their number."""
    target = scope.project.service_level_seconds * 1000
    sums: dict[str, Any] = {
        f"{name}_{at}": Count("pk", filter=fits)
        for name in BINNED
        for at, fits in enumerate(_bins(MEASURES[name]))
    }
    sums["queued"] = Count("pk", filter=QUEUED)
    sums["within"] = Count("pk", filter=Q(wait_ms__lte=target) & ANSWERED & QUEUED)
    return sums


def _bins(column: str) -> list[Q]:
    """Return what falls into each column of a histogram."""
    edges = [0, *BINS]
    found = []
    for low, high in zip(edges, [*BINS, None], strict=True):
        fits = ANSWERED & Q(**{f"{column}__gte": low * 1000})
        found.append(fits & Q(**{f"{column}__lt": high * 1000}) if high else fits)
    return found


def why(scope: Scope) -> Why:
    """Count what handoffs were about and where they went, in one statement."""
    parts = [_grouped(scope, name) for name in DIMENSIONS]
    found: Why = {name: {} for name in DIMENSIONS}
    medians = {} if has_percentiles() else {name: _medians(scope, name) for name in DIMENSIONS}
    for row in parts[0].union(*parts[1:], all=True):
        waits = medians[row["dimension"]].get((row["of"],), NOTHING) if medians else _spread(row)
        found[row["dimension"]][row["of"]] = Group(
            handoffs=row["n"],
            answered=row["answered"],
            abandoned=row["left"],
            median_wait=text_of(waits.median),
        )
    return found


def _grouped(scope: Scope, name: str) -> QuerySet[Any, dict[str, Any]]:
    sums: dict[str, Any] = {
        "n": Count("pk"),
        "answered": Count("pk", filter=ANSWERED),
        "left": Count("pk", filter=Q(outcome__in=LEFT)),
        "waited": Count("wait_ms", filter=ANSWERED),
    }
    if has_percentiles():
        sums["median"] = Percentile("wait_ms", share=0.5, filter=ANSWERED)
    named = {"dimension": Value(name, output_field=CharField()), "of": F(name)}
    found: QuerySet[Any, dict[str, Any]] = _handoffs(scope).values(**named).annotate(**sums)
    return found


def _medians(scope: Scope, name: str) -> dict[tuple[Any, ...], Spread]:
    return spreads(_handoffs(scope).filter(ANSWERED), "wait_ms", key=F(name))


def _spread(row: dict[str, Any]) -> Spread:
    return spread(row["waited"], row["median"], row["median"])


def quality(scope: Scope) -> Quality:
    """Count containment, ratings and who came back, in one statement."""
    talk = Q(has_words=True, has_answer=True)
    alone = talk & Q(handoffs=0)
    over, back = _window(24)
    sums: dict[str, Any] = {
        "talks": Count("pk", filter=talk),
        "contained": Count("pk", filter=alone),
        "settled": Count("pk", filter=alone & over & ~back),
        "settled_of": Count("pk", filter=talk & over),
        "asked": Count("pk", filter=Q(is_asked=True)),
    }
    by = ("rating_ai_agent", "rating_live_agent", "is_known", "is_handed")
    rows = scope.conversations().annotate(is_handed=HANDED).order_by()
    result = Quality()
    for row in rows.values(*by).annotate(n=Count("pk"), **sums, **_returns()):
        _add(result, row, sums)
    return result


HANDED = Q(handoffs__gt=0)


def _returns() -> dict[str, Any]:
    """Return what counts by window who ended in time, and who of them came back."""
    found = {}
    for name, hours in WINDOWS.items():
        over, back = _window(hours)
        found[f"ended_{name}"] = Count("pk", filter=over)
        found[f"back_{name}"] = Count("pk", filter=over & back)
    return found


def _window(hours: int) -> tuple[Q, Q]:
    """Return what matches that the time to come back is over, and that somebody did."""
    length = timedelta(hours=hours)
    over = Q(ended_at__lte=timezone.now() - length)
    return over, Q(next_started_at__isnull=False, next_started_at__lte=F("ended_at") + length)


def _add(result: Quality, row: dict[str, Any], sums: dict[str, Any]) -> None:
    for name in sums:
        setattr(result, name, getattr(result, name) + row[name])
    result.rated[row["rating_ai_agent"], row["rating_live_agent"]] += row["n"]
    who = "known" if row["is_known"] else "visitor"
    after = "live_agent" if row["is_handed"] else "ai_agent"
    for name in WINDOWS:
        result.ended[who, after, name] += row[f"ended_{name}"]
        result.returned[who, after, name] += row[f"back_{name}"]


def failures(scope: Scope) -> Failures:
    """Count error codes, in one statement."""
    result = Failures()
    for (code, outcome), n in counts(scope.handoffs(), "error_code", "outcome").items():
        is_refused = outcome == Outcome.REFUSED
        result.total += 0 if is_refused else n
        if code:
            (result.refused if is_refused else result.codes)[code] += n
    return result


def _handoffs(scope: Scope) -> Any:
    """Return the handoffs that count: those that were refused opened nothing."""
    return scope.handoffs().exclude(outcome=Outcome.REFUSED)


def _day(scope: Scope) -> TruncDay:
    return TruncDay("requested_at", tzinfo=scope.zone)


def text_of(milliseconds: int | None) -> str:
    """Write a duration; a dash where there is none."""
    return "—" if milliseconds is None else duration_text(milliseconds / 1000)


COUNTED = {
    "overview": overview,
    "waiting": waiting,
    "why": why,
    "quality": quality,
    "failures": failures,
}
