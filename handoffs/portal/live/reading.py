"""Read a project's open handoffs for the live console, those that are stuck first."""

from __future__ import annotations

import collections
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from conversations.journal.frames import EventType
from conversations.models import Event
from handoffs.models import Delivery, Handoff
from handoffs.portal.live.opened import UNHELD, Kind, Opened, all_open, open_or_unconfirmed
from handoffs.states import State
from integrations.kit.json_values import count_read
from integrations.models import Environment

PAGE_ROWS, MOST_ROWS = 100, 500
_BEGINNING = [State.REQUESTED.value, State.CONNECTING.value]


class Counter(NamedTuple):
    """A figure above the table, which is a filter of it."""

    label: str
    counts: Callable[[Kind], bool]


COUNTERS = {
    "waiting": Counter("Waiting", lambda kind: kind.state == State.QUEUED.value),
    "active": Counter("With a live agent", lambda kind: kind.state == State.ACTIVE.value),
    "connecting": Counter("Connecting", lambda kind: kind.state in _BEGINNING),
    "stuck": Counter("Stuck", lambda kind: bool(kind.stuck)),
    "undelivered": Counter("Undelivered", lambda kind: kind.is_late),
}
_SPOKEN = {
    EventType.USER_MESSAGE.value: "End user",
    EventType.LIVE_AGENT_MESSAGE.value: "Live agent",
    EventType.POLY_AGENT_MESSAGE.value: "AI agent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFilter:
    """What the console is narrowed to; empty values narrow nothing."""

    state: str = ""
    environment: str = ""
    vendor: str = ""
    rows: int = PAGE_ROWS
    shows_people: bool = False

    @classmethod
    def read(cls, given: Any, *, shows_people: bool = False) -> LiveFilter:
        """Take what an address asks for; what nobody offers is ignored.

        `shows_people` is the viewer's right to see who the end users are.
        """
        state, environment = given.get("state", ""), given.get("environment", "")
        return cls(
            state=state if state in COUNTERS else "",
            environment=environment if environment in Environment.values else "",
            vendor=given.get("vendor", "").replace("\x00", "")[:40],
            rows=min(count_read(given.get("rows", "")) or PAGE_ROWS, MOST_ROWS),
            shows_people=shows_people,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """The console at one moment: the worst handoffs, and how many there are of each kind."""

    # Each with its reason for being stuck.
    handoffs: list[tuple[Any, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    longest_since: datetime | None = None
    # How many no relay worker holds that is alive.
    unheld: int = 0


def live_page(project_id: int, wanted: LiveFilter, *, now: datetime) -> LivePage:
    """Read the page in two statements, however many handoffs are open."""
    rows = Handoff.objects.filter(open_or_unconfirmed(now), project_id=project_id)
    if wanted.environment:
        rows = rows.filter(environment=wanted.environment)
    if wanted.vendor:
        rows = rows.filter(integration_key=wanted.vendor)
    found = all_open(rows, (project_id, wanted.environment, wanted.vendor), now=now)
    kinds = collections.Counter(kind for _, kind, _ in found)
    return LivePage(
        handoffs=_detailed(_worst(found, wanted)),
        counts={name: _sum(kinds, counter.counts) for name, counter in COUNTERS.items()},
        longest_since=next((since for _, _, since in found if since), None),
        unheld=_sum(kinds, lambda kind: kind.stuck in UNHELD),
    )


def _sum(kinds: collections.Counter[Kind], counts: Callable[[Kind], bool]) -> int:
    return sum(number for kind, number in kinds.items() if counts(kind))


def _worst(found: list[Opened], wanted: LiveFilter) -> dict[str, str]:
    """Return the stuck ones, and behind them the others, who asked first at the front: why each."""
    counts = COUNTERS[wanted.state].counts if wanted.state else bool
    shown = [(pk, kind.stuck) for pk, kind, _ in found if counts(kind)]
    stuck = [one for one in shown if one[1]]
    return dict((stuck + [one for one in shown if not one[1]])[: wanted.rows])


def _detailed(worst: dict[str, str]) -> list[tuple[Any, str]]:
    """Read what a row shows; one that has gone meanwhile is left out."""
    lines = Event.objects.filter(
        conversation_id=OuterRef("conversation_id"), type__in=[*_SPOKEN]
    ).order_by("-sequence")
    unsent = Delivery.objects.filter(
        handoff=OuterRef("pk"), status__in=[Delivery.Status.PENDING, Delivery.Status.FAILED]
    )
    counted = unsent.order_by().values("handoff").annotate(count=Count("pk")).values("count")
    rows = Handoff.objects.filter(pk__in=worst).annotate(
        last_type=Subquery(lines.values("type")[:1]),
        last_at=Subquery(lines.values("created_at")[:1]),
        undelivered=Coalesce(Subquery(counted), 0),
    )
    found = {row.pk: row for row in rows.values_list(*_SHOWN, named=True)}
    return [(found[pk], stuck) for pk, stuck in worst.items() if pk in found]


_SHOWN = (
    *("pk", "conversation_id", "state", "environment", "integration_key", "live_agents"),
    *("queue_status", "requested_at", "joined_at", "ended_at", "owner__name"),
    *("conversation__end_user__name", "conversation__end_user__external_id"),
    *("last_type", "last_at", "undelivered"),
)


def spoken_by(event_type: str | None) -> str:
    """Name who wrote the last message; empty while nobody has."""
    return _SPOKEN.get(event_type or "", "")
