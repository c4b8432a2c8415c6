"""End user messages on their way to the vendor: in order, once, or shown as not delivered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, events_append
from conversations.models import Conversation, Event
from handoffs.lifecycle.deadlines import DELIVERY, LAST_LINES
from handoffs.lifecycle.deliveries import deliveries_fail
from handoffs.lifecycle.locking import Lease, handoff_leased, handoff_save
from handoffs.models import Delivery, Handoff
from handoffs.sending.files import part_id
from handoffs.sending.offers import answer_of
from integrations.contract.errors import ConnectorError
from integrations.contract.rich_content import Answer
from integrations.kit.waiting import growing_pause
from integrations.telemetry.correlation import correlation_id

BATCH = 50
# The code of what the vendor had taken, and then could not bring to anybody.
FAILED_LATE = "failed_at_vendor"
# Whoever has ended the conversation waits for SESSION_END: what was said before it gets no longer.
_RETRY_BASE_SECONDS = 0.5
_RETRY_CAP_SECONDS = 15.0
_RANK = {
    Delivery.Status.PENDING: 0,
    Delivery.Status.SENT: 1,
    Delivery.Status.DELIVERED: 2,
    Delivery.Status.READ: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelivery:
    """A message to send, without the ORM; `message_id` is what the vendor knows it by."""

    id: int
    message_id: str
    text: str = field(repr=False)
    sent_at: datetime
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    # A message with files goes in parts, one after the other.
    file_ids: tuple[str, ...] = ()
    parts_sent: int = 0
    # Of a message that is sent again: only these, where the others had arrived.
    parts_only: tuple[int, ...] = ()
    answer: Answer | None = None
    correlation_id: str = ""

    @property
    def parts(self) -> tuple[int, ...]:
        """Return the numbers of the parts that go under this `message_id`."""
        return self.parts_only or parts_of(self.text, len(self.file_ids))

    @property
    def parts_left(self) -> list[int]:
        """Return the numbers of the parts that are still to be sent."""
        return [number for number in self.parts if number > self.parts_sent]

    @property
    def last_part(self) -> int:
        """Return the part whose receipt is the message's."""
        return self.parts[-1]


def parts_of(text: str, files: int) -> tuple[int, ...]:
    """Return the numbers of a message's parts: its text, then its files."""
    return tuple(range(1, bool(text.strip()) + files + 1))


def delivery_create(handoff: Handoff, event: Event) -> Delivery:
    """Queue a journaled message for the vendor; the caller holds the conversation's lock."""
    return Delivery.objects.create(
        handoff=handoff,
        event=event,
        sequence=event.sequence,
        correlation_id=correlation_id.get(),
    )


def deliveries_missed(handoff: Handoff, ids: Sequence[int]) -> list[NewEvent]:
    """Give up messages that the vendor took after its end; return the lines that say so."""
    rows = Delivery.objects.filter(handoff=handoff, pk__in=ids, status=Delivery.Status.SENT)
    return deliveries_fail(handoff, list(rows.order_by("sequence")), "conversation_gone")


def deliveries_pending(handoff_id: str, *, limit: int = BATCH) -> list[PendingDelivery]:
    """Return what is to be sent, in order, whether it is due yet or not."""
    rows = Delivery.objects.filter(handoff=handoff_id, status=Delivery.Status.PENDING)
    return [
        pending_delivery(row) for row in rows.select_related("event").order_by("sequence")[:limit]
    ]


def pending_delivery(row: Delivery) -> PendingDelivery:
    """Return a delivery as plain data."""
    payload = row.event.payload
    return PendingDelivery(
        id=row.pk,
        message_id=str(row.resent_as or row.event_id),
        text=payload["text"],
        sent_at=row.event.created_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        created_at=row.created_at,
        file_ids=tuple(file["file_id"] for file in payload["attachments"]),
        parts_sent=row.parts_sent,
        parts_only=tuple(row.parts_only or ()),
        answer=answer_of(row.handoff_id, payload),
        correlation_id=row.correlation_id,
    )


def part_sent(lease: Lease, delivery_id: int, number: int) -> None:
    """Note that the vendor has taken a part of a message; raises LeaseLostError."""
    with handoff_leased(lease):
        Delivery.objects.filter(pk=delivery_id).update(parts_sent=number)


def delivery_sent(lease: Lease, delivery_id: int) -> None:
    """Mark a message as taken by the vendor; raises LeaseLostError for a fenced session."""
    with handoff_leased(lease):
        Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.PENDING).update(
            status=Delivery.Status.SENT, sent_at=timezone.now(), error_code=""
        )


def delivery_refused(lease: Lease, delivery: PendingDelivery, error: ConnectorError) -> bool:
    """Plan the next attempt, or give the message up and say so; True if it will be tried again."""
    again_at = timezone.now() + timedelta(
        seconds=retry_seconds(delivery.attempts, error.retry_after)
    )
    deadline = delivery.created_at + DELIVERY.after
    with handoff_leased(lease) as handoff:
        if handoff.ended_at and handoff.conversation.state == Conversation.State.CLOSING:
            deadline = min(deadline, handoff.ended_at + LAST_LINES.after)
        if error.retryable and again_at < deadline:
            _plan_retry(delivery.id, again_at, error.code)
            return True
        row = Delivery.objects.get(pk=delivery.id)
        if row.status == Delivery.Status.PENDING:
            notices = deliveries_fail(handoff, [row], error.code)
            # Fences the notice as well: the conditional write fails if the lease is gone.
            handoff_save(handoff, ["agent_name"], lease)
            if handoff.conversation.state != Conversation.State.ENDED:
                events_append(handoff.conversation, notices)
    return False


def retry_seconds(attempts: int, retry_after: float | None = None) -> float:
    """Return the pause before the next attempt: none at first, then doubling with jitter."""
    if retry_after is not None:
        return retry_after
    if attempts == 0:
        return 0.0
    return growing_pause(attempts, first=_RETRY_BASE_SECONDS, longest=_RETRY_CAP_SECONDS)


def receipts_apply(handoff: Handoff, message_id: str, status: Delivery.Status) -> list[NewEvent]:
    """Raise the status of one message, and for `read` of all before it; return the new lines."""
    found = _delivery(handoff, message_id)
    if found is None:
        return []
    below = [name for name, rank in _RANK.items() if rank < _RANK[status]]
    rows = Delivery.objects.filter(handoff=handoff, status__in=below)
    if status is Delivery.Status.READ:
        rows = rows.filter(sequence__lte=found.sequence)
    else:
        rows = rows.filter(pk=found.pk)
    if not rows.update(status=status, sent_at=Coalesce(F("sent_at"), Now())):
        return []
    if status is Delivery.Status.SENT:
        return []
    is_read = status is Delivery.Status.READ
    name = EventType.LIVE_AGENT_READ_MESSAGE if is_read else EventType.LIVE_AGENT_RECEIVED_MESSAGE
    return [NewEvent(type=name, payload={"message_id": str(found.event_id)})]


def delivery_failed_late(handoff: Handoff, message_id: str, reason: str) -> list[NewEvent]:
    """Fail what the vendor had taken, whole or in part; return the line that says so, once."""
    found = _delivery(handoff, message_id)
    part = pending_delivery(found).parts[-1:] if found else ()
    if found is None:
        found, part = _delivery_of_part(handoff, message_id)
    if found is None:
        return []
    _note_parts(found, part)
    if found.status == Delivery.Status.FAILED:
        return []
    return deliveries_fail(handoff, [found], FAILED_LATE, reason)


def _delivery(handoff: Handoff, message_id: str) -> Delivery | None:
    """Find a message by the id a vendor gives: it may be one that we never sent."""
    try:
        given = uuid.UUID(message_id)
    except ValueError:
        return None
    rows = Delivery.objects.filter(handoff=handoff).select_related("event")
    return rows.filter(Q(event_id=given, resent_as=None) | Q(resent_as=given)).first()


def _delivery_of_part(handoff: Handoff, message_id: str) -> tuple[Delivery | None, tuple[int, ...]]:
    """Find the message and the number of a part that is not its last one."""
    rows = Delivery.objects.filter(handoff=handoff).exclude(event__payload__attachments=[])
    for row in rows.select_related("event").order_by("-sequence")[:BATCH]:
        whole = pending_delivery(row)
        for number in whole.parts[:-1]:
            if part_id(whole.message_id, number) == message_id:
                return row, (number,)
    return None, ()


def _note_parts(row: Delivery, failed: tuple[int, ...]) -> None:
    """Keep which parts failed, so that no other one is sent again."""
    whole = pending_delivery(row)
    if not whole.file_ids:
        return
    known = set(row.parts_failed or ()) | set(failed)
    if row.status == Delivery.Status.PENDING:
        known |= set(whole.parts_left)
    row.parts_failed = sorted(known)
    row.save(update_fields=["parts_failed"])


def _plan_retry(delivery_id: int, at: datetime, code: str) -> None:
    Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.PENDING).update(
        attempts=F("attempts") + 1, next_attempt_at=at, error_code=code
    )
