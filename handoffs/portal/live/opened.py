"""Read all that is open in a part of a project: of each as little as counts and sorts it."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When

from conversations.models import Event
from handoffs.models import Delivery, Handoff
from handoffs.portal.live.silence import NOTHING, OverlookedError, Sight, sight_keep, sight_of
from handoffs.states import OPEN_VALUES, State

# What counts as stuck: its code, and after how many seconds.
CLAIM_SECONDS, CONNECT_SECONDS, HEARTBEAT_SECONDS, DELIVERY_SECONDS = 5, 30, 5, 10
WAIT_SECONDS, SILENCE_SECONDS, END_SECONDS = 300, 1800, 60
SILENT = "silent"
STUCK: dict[str, str] = {
    "worker_gone": "Its relay worker gives no sign of life",
    "not_claimed": "No relay worker has taken it",
    "connecting": "The vendor has not answered yet",
    "end_unconfirmed": "The vendor has not confirmed the end",
    "undelivered": "Messages are not delivered",
    "waiting": "Waits longer than five minutes",
    SILENT: "Nobody has written for half an hour",
}
UNHELD = frozenset({"worker_gone", "not_claimed"})
# Messages that are not delivered are told of before these.
_LESS_THAN_LATE = frozenset({"", "waiting", SILENT})


class Kind(NamedTuple):
    """What handoffs are counted by."""

    state: str
    stuck: str
    is_late: bool


# A handoff's key, its kind, and since when it waits: plain, as thousands are made each second.
Opened = tuple[str, Kind, datetime | None]


def all_open(rows: QuerySet[Handoff], part: Hashable, *, now: datetime) -> list[Opened]:
    """Return what is open among the rows of a part, who asked first at the front."""
    try:
        return _read(rows, part, sight_of(part), now)
    except OverlookedError:
        return _read(rows, part, NOTHING, now)


def _read(rows: QuerySet[Handoff], part: Hashable, sight: Sight, now: datetime) -> list[Opened]:
    silent_before = now - timedelta(seconds=SILENCE_SECONDS)
    found = list(_brief(rows, sight.unknown(silent_before), now))
    there_for_long = {row[0]: row[5] for row in found if row[2] == SILENT}
    sight = sight.renewed(silent_before, there_for_long)
    sight_keep(part, sight)
    silent = sight.silent(silent_before)
    return [
        (pk, _kind(state, "" if why == SILENT and pk not in silent else why, late), since)
        for pk, state, why, late, since, _ in found
    ]


@cache
def _kind(state: str, why: str, is_late: bool) -> Kind:
    is_undelivered = is_late and why in _LESS_THAN_LATE
    return Kind(state, "undelivered" if is_undelivered else why, is_late)


def _brief(rows: QuerySet[Handoff], unknown: Q, now: datetime) -> QuerySet[Any, Any]:
    """Name what is read; `silent` is said of all who are there for long, until it is known."""

    def before(seconds: int) -> datetime:
        return now - timedelta(seconds=seconds)

    is_open = Q(state__in=OPEN_VALUES)
    there_for_long = Q(state=State.ACTIVE.value, joined_at__lt=before(SILENCE_SECONDS))
    conditions = {
        "worker_gone": Q(is_open, owner__heartbeat_at__lt=before(HEARTBEAT_SECONDS)),
        "not_claimed": Q(state=State.REQUESTED.value, requested_at__lt=before(CLAIM_SECONDS)),
        "connecting": Q(state=State.CONNECTING.value, requested_at__lt=before(CONNECT_SECONDS)),
        "end_unconfirmed": ~is_open,
        "waiting": Q(state=State.QUEUED.value, requested_at__lt=before(WAIT_SECONDS)),
        SILENT: there_for_long,
    }
    lines = Event.objects.filter(conversation_id=OuterRef("conversation_id")).order_by("-sequence")
    annotated = rows.annotate(
        is_late=Case(When(pk__in=_late_deliveries(now), then=True), default=False),
        stuck=Case(
            *(When(condition, then=Value(code)) for code, condition in conditions.items()),
            default=Value(""),
        ),
        waiting_since=Case(When(state=State.QUEUED.value, then=F("requested_at"))),
        spoken_at=Case(
            When(there_for_long & unknown, then=Subquery(lines.values("created_at")[:1]))
        ),
    )
    names = ("pk", "state", "stuck", "is_late", "waiting_since", "spoken_at")
    return annotated.order_by("requested_at", "pk").values_list(*names)


def open_or_unconfirmed(now: datetime) -> Q:
    """Match what is open, and what the vendor should have confirmed as ended."""
    late = now - timedelta(seconds=END_SECONDS)
    return Q(state__in=OPEN_VALUES) | Q(ended_at__lt=late, vendor_end_until__gt=now)


def _late_deliveries(now: datetime) -> QuerySet[Any, Any]:
    late = now - timedelta(seconds=DELIVERY_SECONDS)
    pending = Q(status=Delivery.Status.PENDING, created_at__lt=late)
    rows = Delivery.objects.filter(
        pending | Q(status=Delivery.Status.FAILED), handoff__state__in=OPEN_VALUES
    )
    return rows.values("handoff_id")
