"""Overview: how many handoffs, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from handoffs.portal.analytics.counting.figure import Figure, share
from handoffs.portal.analytics.counting.numbers import Overview
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS, Outcome

QUEUED_IN_WORDS = (
    "handoffs that a vendor accepted or a live agent joined, without those abandoned within 5 "
    "seconds or given to the client"
)


def overview(scope: Scope, found: Overview) -> list[Figure]:
    """Say how many, and what became of them."""
    by_outcome: Counter[str] = Counter()
    for (outcome, _), n in found.by_day.items():
        by_outcome[outcome] += n
    return [
        _summary(by_outcome, found),
        _outcomes(by_outcome),
        _by_day(scope, found.by_day),
    ]


def _summary(by_outcome: Counter[str], found: Overview) -> Figure:
    total, n = by_outcome.total(), found.queued
    answered = share(by_outcome[Outcome.ANSWERED], n)
    rows = [
        ("Conversations", f"{found.conversations:,}"),
        ("Handoffs", f"{total:,}"),
        ("Handoff rate", share(found.handed, found.conversations)),
        ("Answer rate", answered),
        ("Abandonment", share(by_outcome[Outcome.ABANDONED], n)),
        ("Timed out", share(by_outcome[Outcome.TIMED_OUT], n)),
    ]
    return Figure(
        name="summary",
        title=f"{total:,} handoffs, {answered} of {n:,} queued ones answered",
        definition="Conversations: over, with at least one message by the end user. Handoff rate: "
        f"those with at least one handoff ({found.handed:,}) ÷ conversations "
        f"({found.conversations:,}). Answer rate, abandonment, timed out: ÷ {QUEUED_IN_WORDS} "
        f"({n:,}).",
        columns=("Figure", "Value"),
        rows=rows,
    )


def _outcomes(by_outcome: Counter[str]) -> Figure:
    found, total = [name for name in OUTCOME_LABELS if by_outcome[name]], by_outcome.total()
    return Figure(
        name="outcomes",
        title="What became of them",
        definition="Each handoff has exactly one outcome; shares are of all handoffs "
        f"({total:,}). Answered: a live agent joined. Abandoned: the end user left before that, "
        "after 5 seconds or more. A handoff that went to a fallback is one handoff of the vendor "
        "that had it last.",
        columns=("Outcome", "Handoffs", "Share"),
        rows=[(OUTCOME_LABELS[n], by_outcome[n], share(by_outcome[n], total)) for n in found],
        kind="bars",
        link="outcome",
        values=found,
    )


def _by_day(scope: Scope, found: Mapping[tuple[str, date], int]) -> Figure:
    used = [name for name in OUTCOME_LABELS if any(outcome == name for outcome, _ in found)]
    table: dict[date, dict[str, int]] = {day: dict.fromkeys(used, 0) for day in scope.days}
    for (outcome, day), n in found.items():
        table[day][outcome] += n
    return Figure(
        name="by_day",
        title="Handoffs by day and outcome",
        definition="A handoff belongs to the day on which it was asked for, whatever came later. "
        f"Days are those of {scope.given['tz']}.",
        columns=("Day", *(OUTCOME_LABELS[name] for name in used)),
        rows=[(day.isoformat(), *row.values()) for day, row in table.items()],
        kind="columns",
        link="day",
        values=[day.isoformat() for day in table],
    )
