"""Take a handoff for writing: under the conversation's lock, and fenced by the lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from handoffs.models import Handoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one relay session to act for a handoff, until somebody claims it anew."""

    handoff_id: str
    worker_id: uuid.UUID
    epoch: int


class LeaseLostError(Exception):
    """Another worker owns the handoff now: stop, and change nothing."""


@contextmanager
def handoff_locked(handoff_id: str) -> Iterator[Handoff]:
    """Lock a handoff's conversation for a transaction and yield the handoff.

    The conversation's row is the lock for both, so that no two writers can wait for each other.
    """
    with transaction.atomic():
        yield (
            Handoff.objects.select_for_update(no_key=True, of=("conversation",))
            .select_related(
                "conversation__project", "conversation__end_user", "integration", "conversation"
            )
            .get(pk=handoff_id)
        )


@contextmanager
def handoff_leased(lease: Lease) -> Iterator[Handoff]:
    """Lock as handoff_locked does, for the session that holds the lease; else LeaseLostError."""
    with handoff_locked(lease.handoff_id) as handoff:
        check_lease(handoff, lease)
        yield handoff


def check_lease(handoff: Handoff, lease: Lease) -> None:
    """Raise LeaseLostError unless the lease is the newest one."""
    if (handoff.owner_id, handoff.lease_epoch) != (lease.worker_id, lease.epoch):
        raise LeaseLostError(lease.handoff_id)


def handoff_save(handoff: Handoff, fields: list[str], lease: Lease | None = None) -> None:
    """Save fields; with a lease only if it still holds at this very moment.

    A claim takes no lock on the conversation, so the check before is not enough.
    """
    if lease is None:
        handoff.save(update_fields=fields)
        return
    values = {name: getattr(handoff, name) for name in fields}
    rows = Handoff.objects.filter(
        pk=handoff.pk, owner_id=lease.worker_id, lease_epoch=lease.epoch
    ).update(**values)
    if not rows:
        raise LeaseLostError(lease.handoff_id)
