"""Count the facts of one day, by the tab that will read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conversations.models import ConversationFact, HandoffFact
from handoffs.portal.analytics.counting.numbers import (
    DIMENSIONS,
    LEFT,
    MEASURES,
    UNMEASURED,
    WINDOWS,
)
from handoffs.portal.analytics.counting.spreads import spread_of
from handoffs.portal.analytics.totals.steps import bin_of, steps_of
from handoffs.portal.one_handoff.outcomes import Outcome

Totals = dict[str, dict[str, Any]]


def day_totals(
    handoffs: Sequence[HandoffFact],
    conversations: Sequence[ConversationFact],
    *,
    zone: ZoneInfo,
    target_seconds: int,
    now: datetime,
) -> Totals:
    """Return by tab what a day comes to."""
    counted = [one for one in handoffs if one.outcome != Outcome.REFUSED]
    return {
        "overview": _overview(counted, conversations),
        "waiting": _waiting(counted, zone, target_seconds),
        "why": {name: _groups(counted, name) for name in DIMENSIONS},
        "quality": _quality(conversations, now),
        "failures": _failures(handoffs, counted),
    }


def _overview(
    counted: Sequence[HandoffFact], conversations: Sequence[ConversationFact]
) -> dict[str, Any]:
    talks = [one for one in conversations if one.has_words]
    return {
        "outcomes": Counter(one.outcome for one in counted),
        "queued": sum(map(_is_queued, counted)),
        "conversations": len(talks),
        "handed": sum(one.handoffs > 0 for one in talks),
    }


def _is_queued(one: HandoffFact) -> bool:
    return one.is_queued and one.outcome not in UNMEASURED


def _waiting(counted: Sequence[HandoffFact], zone: ZoneInfo, target: int) -> dict[str, Any]:
    answered = [one for one in counted if one.outcome == Outcome.ANSWERED]
    left = [one for one in counted if one.outcome == Outcome.ABANDONED]
    waits = [one.wait_ms for one in answered if one.wait_ms is not None]
    return {
        "hours": Counter(str(one.requested_at.astimezone(zone).hour) for one in counted),
        "queued": sum(map(_is_queued, counted)),
        "within": sum(
            _is_queued(one) and one.wait_ms is not None and one.wait_ms <= target * 1000
            for one in answered
        ),
        "steps": {
            name: steps_of(getattr(one, column) for one in (left if _is_left(name) else answered))
            for name, column in MEASURES.items()
        },
        "wait": spread_of(waits),
    }


def _is_left(name: str) -> bool:
    return name == "giving_up"


def _groups(counted: Sequence[HandoffFact], name: str) -> dict[str, Any]:
    """Return by value of a dimension: handoffs, answered, abandoned, and the waits' columns."""
    found: dict[str, Any] = {}
    for one in counted:
        group = found.setdefault(getattr(one, name), {"n": [0, 0, 0], "waits": Counter()})
        group["n"][0] += 1
        group["n"][2] += one.outcome in LEFT
        if one.outcome == Outcome.ANSWERED:
            group["n"][1] += 1
            if one.wait_ms is not None:
                group["waits"][str(bin_of(one.wait_ms / 1000))] += 1
    return found


def _quality(conversations: Sequence[ConversationFact], now: datetime) -> dict[str, Any]:
    talks = [one for one in conversations if one.has_words and one.has_answer]
    day = timedelta(hours=WINDOWS["24h"])
    settled_of = [one for one in talks if _is_over(one, day, now)]
    return {
        "talks": len(talks),
        "contained": sum(not one.handoffs for one in talks),
        "settled": sum(not one.handoffs and not _is_back(one, day) for one in settled_of),
        "settled_of": len(settled_of),
        "asked": sum(one.is_asked for one in conversations),
        "rated": Counter(
            f"{one.rating_ai_agent or ''}/{one.rating_live_agent or ''}" for one in conversations
        ),
        "ended": _by_window(conversations, lambda one, length: _is_over(one, length, now)),
        "returned": _by_window(
            conversations,
            lambda one, length: _is_over(one, length, now) and _is_back(one, length),
        ),
    }


def _by_window(
    conversations: Iterable[ConversationFact], fits: Callable[[ConversationFact, timedelta], bool]
) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in conversations:
        who = "known" if one.is_known else "visitor"
        after = "live_agent" if one.handoffs else "ai_agent"
        for name, hours in WINDOWS.items():
            found[f"{who}/{after}/{name}"] += fits(one, timedelta(hours=hours))
    return found


def _is_over(one: ConversationFact, length: timedelta, now: datetime) -> bool:
    return one.ended_at is not None and one.ended_at <= now - length


def _is_back(one: ConversationFact, length: timedelta) -> bool:
    if one.ended_at is None or one.next_started_at is None:
        return False
    return one.next_started_at <= one.ended_at + length


def _failures(handoffs: Sequence[HandoffFact], counted: Sequence[HandoffFact]) -> dict[str, Any]:
    refused = [one for one in handoffs if one.outcome == Outcome.REFUSED]
    return {
        "total": len(counted),
        "codes": Counter(one.error_code for one in counted if one.error_code),
        "refused": Counter(one.error_code for one in refused if one.error_code),
    }
