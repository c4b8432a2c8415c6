"""What operators do to a handoff by hand; each is in the audit with who did it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from conversations.journal import publish
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.queueing import queue_open_handoff
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff, RelayWorker
from handoffs.relay.leases import worker_stop
from handoffs.states import EndReason
from integrations.projects.audit import audit_record


def handoff_end_by_operator(*, handoff_id: str, actor: Any) -> None:
    """End an open handoff: vendor and end user are told; raises ValidationError if it is over."""
    with handoff_locked(handoff_id) as handoff:
        if not handoff.is_open:
            raise ValidationError("It is over already.")
        handoff_end(handoff, EndReason.OPERATOR_ENDED)
        _audit(handoff, actor, "handoff.ended_by_operator")


def handoff_release(*, handoff_id: str, actor: Any) -> None:
    """Take a handoff from its relay worker, so that another one, or the same anew, goes on.

    What the old session still writes is fenced off once the lease is claimed again. Raises
    ValidationError where nobody holds it.
    """
    with handoff_locked(handoff_id) as handoff:
        if handoff.owner_id is None:
            raise ValidationError("No relay worker holds it.")
        owner, handoff.owner_id = handoff.owner_id, None
        handoff.lease_epoch += 1
        handoff_save(handoff, ["owner_id", "lease_epoch"])
        _audit(handoff, actor, "handoff.lease_released")
        publish.relay_wake(owner, handoff.pk)
        transaction.on_commit(partial(queue_open_handoff, handoff.pk))


@transaction.atomic
def worker_mark_dead(*, worker: RelayWorker, actor: Any) -> None:
    """Take all handoffs from a relay worker that hangs; it comes back with its next heartbeat."""
    owned = list(Handoff.objects.filter(owner=worker).values_list("pk", flat=True))
    worker_stop(worker.pk)
    audit_record(project=None, actor=actor, action="relay_worker.marked_dead", subject=worker.name)
    for handoff_id in owned:
        transaction.on_commit(partial(queue_open_handoff, handoff_id))


def _audit(handoff: Handoff, actor: Any, action: str) -> None:
    audit_record(
        project=handoff.conversation.project, actor=actor, action=action, subject=handoff.pk
    )
