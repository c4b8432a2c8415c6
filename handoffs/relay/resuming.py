"""Sessions that take over begin together: a thousand of them must not ask one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conversations.event_loop.batcher import Batcher
from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.models import Delivery, Handoff
from handoffs.states import OPEN_STATES, State
from integrations.credentials.fields import DecryptionError
from integrations.models import Integration

_BEGUN = [state.value for state in OPEN_STATES if state is not State.REQUESTED]
_NEEDED = (
    "correlation_id",
    "conversation",
    "integration",
    "state",
    "attempt",
    "vendor_session",
    "owner",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A handoff whose vendor conversation is open, with its integration; nothing is locked."""

    handoff: Handoff
    has_pending: bool


def handoffs_resumed(leases: Sequence[Lease]) -> list[Resumed | None]:
    """Return what each lease has to go on with; None for what has to begin under the lock."""
    rows = Handoff.objects.filter(
        pk__in=[lease.handoff_id for lease in leases],
        state__in=_BEGUN,
        vendor_session__isnull=False,
    )
    try:
        found = {row.pk: row for row in rows.only(*_NEEDED, "lease_epoch")}
        integrations = Integration.objects.defer("draft").in_bulk(
            {row.integration_id for row in found.values() if row.integration_id is not None}
        )
    except DecryptionError:
        return [None] * len(leases)  # one by one, so that only the one concerned suffers
    pending = Delivery.objects.filter(handoff__in=found, status=Delivery.Status.PENDING)
    with_pending = set(pending.values_list("handoff_id", flat=True))
    return [_resumed(lease, found, integrations, with_pending) for lease in leases]


def _resumed(
    lease: Lease,
    found: dict[str, Handoff],
    integrations: dict[int, Integration],
    with_pending: set[str],
) -> Resumed | None:
    handoff = found.get(lease.handoff_id)
    if handoff is None or (handoff.owner_id, handoff.lease_epoch) != (lease.worker_id, lease.epoch):
        return None
    handoff.integration = integrations.get(handoff.integration_id or 0)
    if handoff.integration is None:
        return None
    return Resumed(handoff=handoff, has_pending=handoff.pk in with_pending)


async def _read(leases: Sequence[Lease]) -> list[Resumed | None]:
    return await run_sync(handoffs_resumed, leases)


handoff_resume = Batcher(_read, key=lambda lease: lease.handoff_id)
