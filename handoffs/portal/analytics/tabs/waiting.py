"""Waiting: how long people wait, how long they talk, and when they ask."""

from __future__ import annotations

from collections import Counter

from handoffs.portal.analytics.counting.counted import text_of
from handoffs.portal.analytics.counting.figure import Figure, share
from handoffs.portal.analytics.counting.numbers import BIN_LABELS, NOTHING, Waiting
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.counting.spreads import VALUES_MIN
from handoffs.portal.analytics.tabs.overview import QUEUED_IN_WORDS
from handoffs.portal.analytics.totals.reading import LONG_DAYS
from handoffs.portal.analytics.totals.steps import STEPS_IN_WORDS
from handoffs.portal.one_handoff.wording import duration_text

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MEASURE_LABELS = {
    "wait": "Wait",
    "handle": "Time with a live agent",
    "accept": "Wait, to be accepted",
    "queue": "Wait, in the queue",
    "first_reply": "First reply",
    "giving_up": "Wait until giving up",
}


def waiting(scope: Scope, found: Waiting) -> list[Figure]:
    """Say how long, and when."""
    return [
        _times(found),
        _service_level(scope, found),
        _bins("wait_bins", "Wait", found.bins["wait"]),
        _bins("handle_bins", "Time with a live agent", found.bins["handle"]),
        _wait_by_day(scope, found),
        _hours(scope, found),
    ]


def _times(found: Waiting) -> Figure:
    spreads = [(label, found.spreads[name]) for name, label in MEASURE_LABELS.items()]
    wait = found.spreads["wait"]
    return Figure(
        name="times",
        title=f"Median wait {text_of(wait.median)}, p90 {text_of(wait.p90)}",
        definition="Wait: from the request until a live agent joined; it is made of the time to "
        "be accepted and that in the queue. Time with a live agent: from there to the end, "
        "transfers included; what live agents do afterwards at the vendor is not known here. First "
        "reply: from joining to the live agent's first message, where the vendor tells of joining. "
        "These are of answered handoffs; until giving up is of abandoned ones. The median and the "
        f"90th percentile by nearest rank, none below {VALUES_MIN} values. Over more than "
        f"{LONG_DAYS} days they are rounded down: {STEPS_IN_WORDS}.",
        columns=("Duration", "Handoffs", "Median", "p90", "Median ms", "p90 ms"),
        rows=[
            (label, one.n, text_of(one.median), text_of(one.p90), one.median, one.p90)
            for label, one in spreads
        ],
    )


def _service_level(scope: Scope, found: Waiting) -> Figure:
    target = duration_text(scope.project.service_level_seconds)
    return Figure(
        name="service_level",
        title=f"{share(found.within, found.queued)} answered within {target}",
        definition=f"Answered with a wait of at most {target} ({found.within:,}) ÷ "
        f"{QUEUED_IN_WORDS} ({found.queued:,}). Settings > Project sets the time.",
        columns=("Figure", "Handoffs"),
        rows=[(f"Answered within {target}", found.within), ("Queued", found.queued)],
    )


def _bins(name: str, title: str, found: Counter[int]) -> Figure:
    total = found.total()
    return Figure(
        name=name,
        title=f"{title}, how often",
        definition=f"Answered handoffs by how long it was; shares are of all of them ({total:,}).",
        columns=("Duration", "Handoffs", "Share"),
        rows=[(label, found[at], share(found[at], total)) for at, label in enumerate(BIN_LABELS)],
        kind="histogram",
    )


def _wait_by_day(scope: Scope, found: Waiting) -> Figure:
    days = [(day, found.by_day.get(day, NOTHING)) for day in scope.days]
    return Figure(
        name="wait_by_day",
        title="Wait by day",
        definition="The wait of answered handoffs by the day of the request; a day with fewer "
        f"than {VALUES_MIN} has no figure.",
        columns=("Day", "Median s", "p90 s", "Answered"),
        rows=[(d.isoformat(), _seconds(s.median), _seconds(s.p90), s.n) for d, s in days],
        kind="lines",
        link="day",
        values=[day.isoformat() for day, _ in days],
    )


def _hours(scope: Scope, found: Waiting) -> Figure:
    return Figure(
        name="hours",
        title="When people ask",
        definition=f"Handoffs by weekday and hour of {scope.given['tz']}.",
        columns=("Day", *(f"{hour:02}" for hour in range(24))),
        rows=[
            (name, *(found.hours[number, hour] for hour in range(24)))
            for number, name in enumerate(WEEKDAYS, start=1)
        ],
        kind="heat",
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 1)
