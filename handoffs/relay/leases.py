"""Who owns which handoff: heartbeats, claims, release; all by the database's own clock."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from handoffs.lifecycle.locking import Lease
from handoffs.models import Delivery, Handoff, RelayWorker, StoredWebhook, VendorKey
from handoffs.states import OPEN_VALUES
from integrations.telemetry.metrics import LEASES_CLAIMED

# Still something to do: people talk, or the vendor has to be told that they do not any more.
UNFINISHED = Q(state__in=OPEN_VALUES) | Q(vendor_end_until__isnull=False)
CLAIM_BATCH = 200


def worker_register(name: str) -> uuid.UUID:
    """Register this process and return its id."""
    return RelayWorker.objects.create(name=name, heartbeat_at=Now()).pk


def worker_beat(worker_id: uuid.UUID) -> None:
    """Say that the worker lives."""
    RelayWorker.objects.filter(pk=worker_id).update(heartbeat_at=Now(), stopped_at=None)


def worker_stop(worker_id: uuid.UUID) -> None:
    """Give up every lease at once, so that another worker need not wait for the heartbeat."""
    Handoff.objects.filter(UNFINISHED, owner_id=worker_id).update(owner=None)
    RelayWorker.objects.filter(pk=worker_id).update(stopped_at=Now())


def workers_alive() -> QuerySet[RelayWorker]:
    """Return the workers whose heartbeat is fresh."""
    limit = Now() - timedelta(seconds=settings.RELAY_DEAD_AFTER_SECONDS)
    return RelayWorker.objects.filter(heartbeat_at__gte=limit, stopped_at=None)


def handoffs_claim(
    worker_id: uuid.UUID, handoff_id: str | None = None, *, from_dead: bool = True
) -> list[Lease]:
    """Claim one ownerless handoff, or a batch of them, and return the new leases.

    Ownerless means: no owner, or one whose heartbeat is too old, unless those are to be waited
    for. The epoch rises, so whoever owned it before can change nothing any more.
    """
    limit = Now() - timedelta(seconds=settings.RELAY_DEAD_AFTER_SECONDS)
    dead = RelayWorker.objects.filter(heartbeat_at__lt=limit).values("pk")
    nobodys = Q(owner=None) | Q(owner__in=dead) if from_dead else Q(owner=None)
    orphans = Handoff.objects.filter(UNFINISHED).filter(nobodys)
    if handoff_id is not None:
        orphans = orphans.filter(pk=handoff_id)
    with transaction.atomic():
        ids = list(_locked(orphans).values_list("pk", flat=True)[:CLAIM_BATCH])
        if not ids:
            return []
        claimed = Handoff.objects.filter(pk__in=ids)
        claimed.update(owner_id=worker_id, lease_epoch=F("lease_epoch") + 1)
        leases = _leases(claimed, worker_id)
    for lease in leases:
        LEASES_CLAIMED.labels("first" if lease.epoch == 1 else "takeover").inc()
    return leases


def leases_held(worker_id: uuid.UUID) -> list[Lease]:
    """Return what the worker owns and has still to do."""
    return _leases(Handoff.objects.filter(UNFINISHED, owner_id=worker_id), worker_id)


def handoffs_with_work(worker_id: uuid.UUID) -> list[str]:
    """Return the worker's handoffs with something to send now, to take in, or to end."""
    is_due = Q(deliveries__status=Delivery.Status.PENDING, deliveries__next_attempt_at__lte=Now())
    owned = Handoff.objects.filter(UNFINISHED, owner_id=worker_id)
    found = owned.filter(is_due | Q(vendor_end_until__isnull=False))
    stored = StoredWebhook.objects.filter(
        integration_id=OuterRef("integration_id"), key=OuterRef("key"), is_done=False
    )
    waiting = VendorKey.objects.filter(Exists(stored), handoff__in=owned)
    ids = {*found.order_by().values_list("pk", flat=True)}
    return sorted(ids.union(waiting.values_list("handoff_id", flat=True)))


def _locked(handoffs: QuerySet[Handoff]) -> QuerySet[Handoff]:
    """Skip what another worker is claiming at this moment; SQLite has one writer anyway."""
    if connection.features.has_select_for_update_skip_locked:
        return handoffs.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return handoffs


def _leases(handoffs: QuerySet[Handoff], worker_id: uuid.UUID) -> list[Lease]:
    return [
        Lease(handoff_id=pk, worker_id=worker_id, epoch=epoch)
        for pk, epoch in handoffs.values_list("pk", "lease_epoch")
    ]
