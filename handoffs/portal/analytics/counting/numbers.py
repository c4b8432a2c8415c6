"""What each tab counts, whether it is counted from facts or read from daily totals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from handoffs.portal.analytics.counting.spreads import Spread
from handoffs.portal.one_handoff.outcomes import Outcome

NOTHING = Spread(0, None, None)
LEFT = (Outcome.ABANDONED, Outcome.SHORT_ABANDONED)
# Nobody is measured by who left at once or was the client's own.
UNMEASURED = (Outcome.SHORT_ABANDONED, Outcome.GIVEN_TO_CLIENT)
DIMENSIONS = ("reason", "topic", "vendor", "queue")
# The durations of a handoff, by name the field of its fact.
MEASURES = {
    "wait": "wait_ms",
    "handle": "handle_ms",
    "accept": "accept_ms",
    "queue": "queue_ms",
    "first_reply": "first_reply_ms",
    "giving_up": "total_ms",
}
# The upper ends of a histogram's columns, in seconds; what is longer has the last one.
BINS = (5, 15, 30, 60, 120, 300, 600, 1800)
BIN_LABELS = (
    *("under 5 s", "5 to 15 s", "15 to 30 s", "30 to 60 s", "1 to 2 min", "2 to 5 min"),
    *("5 to 10 min", "10 to 30 min", "30 min or more"),
)
# After how many hours somebody who begins again has not come back.
WINDOWS = {"1h": 1, "24h": 24, "7d": 168}


@dataclass(slots=True, kw_only=True)
class Overview:
    """Handoffs by outcome and day, and the conversations around them."""

    by_day: Counter[tuple[str, date]] = field(default_factory=Counter)
    queued: int = 0
    conversations: int = 0
    handed: int = 0


@dataclass(slots=True, kw_only=True)
class Waiting:
    """How long people waited and talked, and when they asked."""

    spreads: dict[str, Spread] = field(default_factory=dict)
    by_day: dict[date, Spread] = field(default_factory=dict)
    # By ISO weekday and hour.
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)
    # By the place of BIN_LABELS.
    bins: dict[str, Counter[int]] = field(default_factory=dict)
    queued: int = 0
    within: int = 0


@dataclass(slots=True, kw_only=True)
class Group:
    """The handoffs that share a reason, topic, vendor or queue."""

    handoffs: int = 0
    answered: int = 0
    abandoned: int = 0
    # In words; a long range knows it by the histogram's column alone.
    median_wait: str = ""


Why = dict[str, dict[str, Group]]


@dataclass(slots=True, kw_only=True)
class Quality:
    """What the AI agent settled by itself, who came back, and what they thought."""

    talks: int = 0
    contained: int = 0
    # Contained, and nobody came back within a day.
    settled: int = 0
    settled_of: int = 0
    asked: int = 0
    # By both scores, None where there is none.
    rated: Counter[tuple[int | None, int | None]] = field(default_factory=Counter)
    # By who it was (known or visitor), what came before (ai_agent or live_agent) and the window:
    # how many ended long enough ago, and how many of them came back.
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    returned: Counter[tuple[str, str, str]] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Failures:
    """Error codes of handoffs, and of requests that opened nothing."""

    total: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
