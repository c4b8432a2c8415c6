"""How the relay stands: workers, what they own, what nobody owns, and what waits to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.relay.leases import UNFINISHED
from handoffs.states import OPEN_STATES, OPEN_VALUES


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One relay worker; the heartbeat's age is by the database's clock."""

    name: str
    heartbeat_age_seconds: float
    is_alive: bool
    handoffs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestDelivery:
    """The message of an end user that has waited longest for the vendor."""

    handoff_id: str
    age_seconds: float


def workers_status() -> list[WorkerStatus]:
    """Return the workers that have not stopped, and stopped ones that still own something."""
    unfinished = Handoff.objects.filter(UNFINISHED, owner=OuterRef("pk")).order_by()
    owned = Subquery(unfinished.values("owner").annotate(number=Count("pk")).values("number"))
    workers = RelayWorker.objects.annotate(owned=Coalesce(owned, 0), now=Now())
    return [
        _status(worker.name, worker.now - worker.heartbeat_at, worker.stopped_at, worker.owned)
        for worker in workers.filter(Q(stopped_at=None) | Q(owned__gt=0)).order_by("name")
    ]


def handoffs_open_counts() -> dict[tuple[str, str], int]:
    """Return how many handoffs are open, by state and connector; every open state is there."""
    counts = {(state.value, ""): 0 for state in OPEN_STATES}
    found = (
        Handoff.objects.filter(state__in=OPEN_VALUES)
        .order_by()
        .values_list("state", "integration__connector_key")
        .annotate(number=Count("pk"))
    )
    return counts | {(state, connector or ""): number for state, connector, number in found}


def handoffs_orphaned() -> int:
    """Return how many unfinished handoffs have no living owner."""
    limit = Now() - timedelta(seconds=settings.RELAY_DEAD_AFTER_SECONDS)
    dead = RelayWorker.objects.filter(Q(heartbeat_at__lt=limit) | Q(stopped_at__isnull=False))
    return (
        Handoff.objects.filter(UNFINISHED)
        .filter(Q(owner=None) | Q(owner__in=dead.values("pk")))
        .count()
    )


def delivery_oldest() -> OldestDelivery | None:
    """Return the pending message that is oldest, or None when nothing waits."""
    found = (
        Delivery.objects.filter(status=Delivery.Status.PENDING)
        .annotate(age=Now() - F("created_at"))
        .order_by("created_at")
        .values_list("handoff_id", "age")
        .first()
    )
    if found is None:
        return None
    return OldestDelivery(handoff_id=found[0], age_seconds=max(found[1].total_seconds(), 0.0))


def _status(name: str, age: timedelta, stopped_at: datetime | None, owned: int) -> WorkerStatus:
    seconds = age.total_seconds()
    is_alive = stopped_at is None and seconds < settings.RELAY_DEAD_AFTER_SECONDS
    return WorkerStatus(name=name, heartbeat_age_seconds=seconds, is_alive=is_alive, handoffs=owned)
