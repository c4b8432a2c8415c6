"""Read a project's open handoffs for the live console, those that are stuck first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from conversations.journal.frames import EventType
from conversations.models import Event
from handoffs.lifecycle.locking import UNLISTED
from handoffs.models import Delivery, Handoff
from handoffs.states import OPEN_VALUES, State
from integrations.kit.json_values import count_read
from integrations.models import Environment

PAGE_ROWS, MOST_ROWS = 100, 500
# What counts as stuck: its code, and after how many seconds.
CLAIM_SECONDS, CONNECT_SECONDS, HEARTBEAT_SECONDS, DELIVERY_SECONDS = 5, 30, 5, 10
WAIT_SECONDS, SILENCE_SECONDS, END_SECONDS = 300, 1800, 60
STUCK: dict[str, str] = {
    "worker_gone": "Its relay worker gives no sign of life",
    "not_claimed": "No relay worker has taken it",
    "connecting": "The vendor has not answered yet",
    "end_unconfirmed": "The vendor has not confirmed the end",
    "undelivered": "Messages are not delivered",
    "waiting": "Waits longer than five minutes",
    "silent": "Nobody has written for half an hour",
}
UNHELD = frozenset({"worker_gone", "not_claimed"})
_BEGINNING = [State.REQUESTED.value, State.CONNECTING.value]


class Counter(NamedTuple):
    """A figure above the table, which is a filter of it: by its rows, and of a group of them."""

    label: str
    condition: Q
    counts: Callable[[dict[str, Any]], bool]


COUNTERS = {
    "waiting": Counter(
        "Waiting", Q(state=State.QUEUED.value), lambda group: group["state"] == State.QUEUED.value
    ),
    "active": Counter(
        "With a live agent",
        Q(state=State.ACTIVE.value),
        lambda group: group["state"] == State.ACTIVE.value,
    ),
    "connecting": Counter(
        "Connecting", Q(state__in=_BEGINNING), lambda group: group["state"] in _BEGINNING
    ),
    "stuck": Counter("Stuck", ~Q(stuck=""), lambda group: bool(group["stuck"])),
    "undelivered": Counter("Undelivered", Q(is_late=True), lambda group: group["is_late"]),
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

    handoffs: list[Any] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    longest_since: datetime | None = None
    # How many no relay worker holds that is alive.
    unheld: int = 0


def live_page(project_id: int, wanted: LiveFilter, *, now: datetime) -> LivePage:
    """Read the page in two statements, however many handoffs are open."""
    rows = _concerning(project_id, wanted, now)
    groups = rows.values("state", "stuck", "is_late").annotate(
        count=Count("pk"), since=Min("requested_at")
    )
    found = list(groups.order_by())
    counts, longest_since = _tally(found)
    unheld = sum(group["count"] for group in found if group["stuck"] in UNHELD)
    if wanted.state:
        rows = rows.filter(COUNTERS[wanted.state].condition)
    # What a row shows is read of the page's rows alone, not of all that are open.
    worst = _worst_first(rows).values("pk")[: wanted.rows]
    return LivePage(
        handoffs=list(_worst_first(_detailed(rows.filter(pk__in=worst)))),
        longest_since=longest_since,
        counts=counts,
        unheld=unheld,
    )


def _tally(groups: list[dict[str, Any]]) -> tuple[dict[str, int], datetime | None]:
    """Return how many each figure counts, and since when the one waits who waits longest."""
    counts = {
        name: sum(group["count"] for group in groups if counter.counts(group))
        for name, counter in COUNTERS.items()
    }
    waiting = [group["since"] for group in groups if COUNTERS["waiting"].counts(group)]
    return counts, min(waiting, default=None)


def _concerning(project_id: int, wanted: LiveFilter, now: datetime) -> QuerySet[Any]:
    """Return what is open, and what the vendor should have confirmed as ended, with why stuck."""
    late = now - timedelta(seconds=END_SECONDS)
    unconfirmed = Q(ended_at__lt=late, vendor_end_until__gt=now)
    rows = Handoff.objects.filter(Q(state__in=OPEN_VALUES) | unconfirmed)
    rows = rows.filter(project_id=project_id)
    if wanted.environment:
        rows = rows.filter(environment=wanted.environment)
    if wanted.vendor:
        rows = rows.filter(integration_key=wanted.vendor)
    is_late = Case(
        When(pk__in=_late_deliveries(now).values("handoff_id"), then=True), default=False
    )
    return rows.annotate(is_late=is_late).annotate(stuck=_stuck(now))


def _late_deliveries(now: datetime) -> QuerySet[Delivery]:
    late = now - timedelta(seconds=DELIVERY_SECONDS)
    pending = Q(status=Delivery.Status.PENDING, created_at__lt=late)
    return Delivery.objects.filter(
        pending | Q(status=Delivery.Status.FAILED), handoff__state__in=OPEN_VALUES
    )


def _stuck(now: datetime) -> Case:
    def before(seconds: int) -> datetime:
        return now - timedelta(seconds=seconds)

    last_line = Event.objects.filter(conversation_id=OuterRef("conversation_id"))
    spoken_at = Subquery(last_line.order_by("-sequence").values("created_at")[:1])
    conditions = {
        "worker_gone": Q(
            state__in=OPEN_VALUES,
            owner__isnull=False,
            owner__heartbeat_at__lt=before(HEARTBEAT_SECONDS),
        ),
        "not_claimed": Q(state=State.REQUESTED.value, requested_at__lt=before(CLAIM_SECONDS)),
        "connecting": Q(state=State.CONNECTING.value, requested_at__lt=before(CONNECT_SECONDS)),
        "end_unconfirmed": ~Q(state__in=OPEN_VALUES),
        "undelivered": Q(is_late=True),
        "waiting": Q(state=State.QUEUED.value, requested_at__lt=before(WAIT_SECONDS)),
    }
    whens = [When(condition, then=Value(code)) for code, condition in conditions.items()]
    long_there = Q(state=State.ACTIVE.value, joined_at__lt=before(SILENCE_SECONDS))
    silent = Case(
        When(long_there, then=spoken_at), default=Value(None), output_field=DateTimeField()
    )
    whens.append(When(LessThan(silent, before(SILENCE_SECONDS)), then=Value("silent")))
    return Case(*whens, default=Value(""), output_field=CharField())


def _detailed(rows: QuerySet[Any]) -> QuerySet[Any]:
    lines = Event.objects.filter(
        conversation_id=OuterRef("conversation_id"), type__in=[*_SPOKEN]
    ).order_by("-sequence")
    unsent = Delivery.objects.filter(
        handoff=OuterRef("pk"), status__in=[Delivery.Status.PENDING, Delivery.Status.FAILED]
    )
    counted = unsent.order_by().values("handoff").annotate(count=Count("pk")).values("count")
    detailed: QuerySet[Any] = (
        rows.annotate(
            last_type=Subquery(lines.values("type")[:1]),
            last_at=Subquery(lines.values("created_at")[:1]),
            undelivered=Coalesce(Subquery(counted), 0),
        )
        .select_related("owner", "conversation__end_user")
        .defer(*UNLISTED)
    )
    return detailed


def _worst_first(rows: QuerySet[Any]) -> QuerySet[Any]:
    is_stuck = Case(When(stuck="", then=Value(1)), default=Value(0))
    return rows.order_by(is_stuck, "requested_at", "pk")


def spoken_by(event_type: str | None) -> str:
    """Name who wrote the last message; empty while nobody has."""
    return _SPOKEN.get(event_type or "", "")
