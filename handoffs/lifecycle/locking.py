"""Take a handoff for writing: under the conversation's lock, and fenced by the lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from conversations.models import Conversation
from handoffs.models import Handoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one relay session to act for a handoff, until somebody claims it anew."""

    handoff_id: str
    worker_id: uuid.UUID
    epoch: int


# Encrypted or large, and of no use to a message that passes: read only where they are asked for.
HEAVY = (
    "routing",
    "context_data",
    "utterance",
    "vendor_session",
    "summary",
    "integration__credentials",
    "integration__draft",
)


# What no list and no count shows.
UNLISTED = ("routing", "context_data", "utterance", "vendor_session", "early_changes")


class LeaseLostError(Exception):
    """Another worker owns the handoff now: stop, and change nothing."""


@contextmanager
def handoff_locked(handoff_id: str) -> Iterator[Handoff]:
    """Lock a handoff for a transaction and yield it as it is under the lock.

    The conversation's row comes first, always: it is the lock for everything that happens in the
    conversation, so that no two writers can wait for each other. The handoff is read after that,
    because PostgreSQL gives a statement that had to wait the old version of rows it only joins.
    Its own row is locked as well, so that no claim comes between a lease's check and the writes.
    """
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update(no_key=True, of=("self",)).get(
            handoffs=handoff_id
        )
        handoff = (
            Handoff.objects.select_for_update(no_key=True, of=("self",))
            .select_related("integration")
            .defer(*HEAVY)
            .get(pk=handoff_id)
        )
        handoff.conversation = conversation
        yield handoff


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
    """Save fields; with a lease only if it still holds, whoever forgot to check it before."""
    if lease is None:
        handoff.save(update_fields=fields)
        return
    values = {name: getattr(handoff, name) for name in fields}
    rows = Handoff.objects.filter(
        pk=handoff.pk, owner_id=lease.worker_id, lease_epoch=lease.epoch
    ).update(**values)
    if not rows:
        raise LeaseLostError(lease.handoff_id)
