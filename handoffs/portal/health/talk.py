"""What goes on between us and a vendor now: open handoffs, what waits, what was heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, OuterRef, QuerySet, Subquery

from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.states import OPEN_STATES, State
from integrations.models import Integration

_OPEN = [state.value for state in OPEN_STATES]
# What a handoff says that began before a period belongs to the period too, so far back.
_BEFORE = timedelta(days=1)
STREAMS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One relay session: an open handoff with who holds it and when the vendor was heard last."""

    handoff_id: str
    state: State
    worker: str
    is_worker_alive: bool
    heard_at: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How an integration stands at this moment, and what was heard in a period."""

    open_by_state: dict[State, int]
    streams: Sequence[Stream]
    unheld: int
    waiting: int
    oldest_waiting_at: datetime | None
    undelivered: int
    heard: Sequence[tuple[str, int, datetime]]
    failed: Sequence[tuple[str, int, datetime]]

    @property
    def open(self) -> int:
        """Return how many handoffs are open."""
        return sum(self.open_by_state.values())


def talk_of(row: Integration, *, begin: datetime, alive_after: datetime) -> Talk:
    """Return what is open at an integration and what it has sent since `begin`."""
    own = Handoff.objects.filter(integration=row)
    recent = own.filter(requested_at__gte=begin - _BEFORE).order_by()
    counted = own.filter(state__in=_OPEN).order_by().values_list("state", "owner_id")
    by_state: dict[State, int] = {}
    unheld = 0
    for state, owner, number in counted.annotate(number=Count("pk")):
        by_state[State(state)] = by_state.get(State(state), 0) + number
        unheld += number if owner is None else 0
    pending = Delivery.objects.filter(
        handoff__in=own.filter(state__in=_OPEN), status=Delivery.Status.PENDING
    ).aggregate(number=Count("pk"), oldest=Min("created_at"))
    failed = Delivery.objects.filter(handoff__in=recent, status=Delivery.Status.FAILED)
    return Talk(
        open_by_state=by_state,
        streams=_streams(own.filter(state__in=_OPEN), alive_after),
        unheld=unheld,
        waiting=pending["number"],
        oldest_waiting_at=pending["oldest"],
        undelivered=failed.filter(created_at__gte=begin).count(),
        heard=_heard(recent, begin),
        failed=_failed(own, begin),
    )


def _streams(rows: QuerySet[Handoff], alive_after: datetime) -> list[Stream]:
    """Return the relay sessions that were silent longest."""
    events = VendorEvent.objects.filter(handoff=OuterRef("pk")).order_by().values("handoff")
    newest = Subquery(events.annotate(at=Max("received_at")).values("at"))
    found = (
        rows.annotate(heard_at=newest)
        .select_related("owner")
        .only("pk", "state", "requested_at", "owner__name", "owner__heartbeat_at")
        .order_by("heard_at", "requested_at")
    )
    return [
        Stream(
            handoff_id=one.pk,
            state=State(one.state),
            worker=one.owner.name if one.owner else "",
            is_worker_alive=bool(one.owner and one.owner.heartbeat_at > alive_after),
            heard_at=one.heard_at,
            since=one.requested_at,
        )
        for one in found[:STREAMS_MAX]
    ]


def _heard(recent: QuerySet[Handoff], begin: datetime) -> list[tuple[str, int, datetime]]:
    events = VendorEvent.objects.filter(handoff__in=recent, received_at__gte=begin)
    grouped = events.order_by().values_list("kind")
    found = grouped.annotate(number=Count("pk"), last=Max("received_at"))
    return sorted(found, key=lambda one: (-one[1], one[0]))


def _failed(own: QuerySet[Handoff], begin: datetime) -> list[tuple[str, int, datetime]]:
    """Return the handoffs that failed, by their code."""
    rows = own.filter(requested_at__gte=begin, state=State.FAILED.value).order_by()
    grouped = rows.values_list("error_code")
    found = grouped.annotate(number=Count("pk"), last=Max("requested_at"))
    return sorted(found, key=lambda one: (-one[1], one[0]))
