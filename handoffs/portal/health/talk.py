"""What goes on between us and a vendor now: open handoffs, what waits, what was heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.states import OPEN_VALUES, State
from integrations.models import Integration, VendorToken

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
    token_ends_at: datetime | None
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
    states = _states(own, begin)
    told = _told_at_once(row, begin)
    return Talk(
        open_by_state=states.open_by_state,
        streams=_streams(own.filter(state__in=OPEN_VALUES), alive_after),
        unheld=states.unheld,
        waiting=told["waiting"],
        oldest_waiting_at=told["oldest"],
        undelivered=told["undelivered"],
        token_ends_at=told["token_ends_at"],
        heard=_heard(recent, begin),
        failed=states.failed,
    )


@dataclass(slots=True)
class _States:
    open_by_state: dict[State, int] = field(default_factory=dict)
    unheld: int = 0
    failed: list[tuple[str, int, datetime]] = field(default_factory=list)


def _states(own: QuerySet[Handoff], begin: datetime) -> _States:
    """Return how many handoffs are open in each state, and those that failed by their code."""
    failed = Q(state=State.FAILED.value, requested_at__gte=begin)
    rows = own.filter(Q(state__in=OPEN_VALUES) | failed).order_by()
    grouped = rows.annotate(is_held=Q(owner__isnull=False)).values_list(
        "state", "error_code", "is_held"
    )
    found, codes = _States(), dict[str, tuple[int, datetime]]()
    for state, code, is_held, number, last in grouped.annotate(
        number=Count("pk"), last=Max("requested_at")
    ):
        if state == State.FAILED.value:
            count, before = codes.get(code, (0, last))
            codes[code] = (count + number, max(before, last))
            continue
        found.open_by_state[State(state)] = found.open_by_state.get(State(state), 0) + number
        found.unheld += 0 if is_held else number
    found.failed = [(code, number, last) for code, (number, last) in codes.items()]
    found.failed.sort(key=lambda one: (-one[1], one[0]))
    return found


def _told_at_once(row: Integration, begin: datetime) -> dict[str, Any]:
    """Return what one statement can tell of deliveries and the access token."""
    of = {"handoff__integration": OuterRef("pk")}
    pending = Delivery.objects.filter(
        **of, handoff__state__in=OPEN_VALUES, status=Delivery.Status.PENDING
    )
    failed = Delivery.objects.filter(
        **of,
        handoff__requested_at__gte=begin - _BEFORE,
        status=Delivery.Status.FAILED,
        created_at__gte=begin,
    )
    tokens = VendorToken.objects.filter(integration=OuterRef("pk"), expires_at__gt=Now())

    def one(rows: QuerySet[Any], group: str, value: Any) -> Subquery:
        return Subquery(rows.order_by().values(group).annotate(found=value).values("found"))

    by = "handoff__integration"
    found = Integration.objects.filter(pk=row.pk).annotate(
        waiting=Coalesce(one(pending, by, Count("pk")), 0),
        oldest=one(pending, by, Min("created_at")),
        undelivered=Coalesce(one(failed, by, Count("pk")), 0),
        token_ends_at=one(tokens, "integration", Min("expires_at")),
    )
    return dict(found.values("waiting", "oldest", "undelivered", "token_ends_at").get())


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
