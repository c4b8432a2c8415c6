"""Try again: a message that was given up goes to the vendor once more, behind what waits."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.errors import NotAllowedError
from conversations.journal import publish
from conversations.journal.frames import EventType
from conversations.journal.selectors import event_by_client_id
from conversations.journal.services import NewEvent, conversation_lock, events_append
from conversations.models import Event
from handoffs.models import Delivery, Handoff
from handoffs.sending.outbox import FAILED_LATE
from handoffs.starting.message_bounds import live_agent_admit
from handoffs.starting.start import handoff_open
from integrations.contract.errors import CannotConnectError, RateLimitedError

# After these nobody knows whether the vendor has taken it: the same id tells it of a repeat.
_IN_DOUBT = frozenset({CannotConnectError.code, RateLimitedError.code})


@transaction.atomic
def message_retry(
    conversation_id: str,
    message_id: uuid.UUID,
    *,
    client_event_id: str = "",
    metadata: dict[str, Any] | None = None,
) -> list[Event]:
    """Queue a message again that was not delivered, and journal that it is on its way.

    Raises NotAllowedError where it waits or has arrived, or where its live agent has gone;
    RateLimitedError where too much waits.
    """
    conversation = conversation_lock(conversation_id)
    if (known := event_by_client_id(conversation, client_event_id)) is not None:
        return [known]
    handoff = handoff_open(conversation_id)
    if handoff is None:
        raise NotAllowedError("retry_too_late")
    handoff.conversation = conversation
    delivery = _given_up(handoff, message_id)
    live_agent_admit(handoff)
    line = NewEvent(
        type=EventType.USER_RETRY_MESSAGE,
        payload={"message_id": str(message_id)},
        metadata=metadata,
        client_event_id=client_event_id,
    )
    written = events_append(conversation, [line])
    _queue_again(delivery, written[0].sequence)
    publish.relay_wake(handoff.owner_id, handoff.pk)
    return written


def _given_up(handoff: Handoff, message_id: uuid.UUID) -> Delivery:
    found = Delivery.objects.filter(handoff=handoff, event_id=message_id).first()
    if found is None:
        raise NotAllowedError("retry_too_late")
    if found.status != Delivery.Status.FAILED:
        raise NotAllowedError("retry_on_its_way")
    return found


def _queue_again(delivery: Delivery, sequence: int) -> None:
    """Begin anew with what has not arrived, in the place of a message that is said now."""
    is_late = delivery.error_code == FAILED_LATE
    if is_late or (delivery.error_code not in _IN_DOUBT and not delivery.attempts):
        delivery.resent_as = uuid.uuid4()
    if is_late:
        delivery.parts_sent = 0
        delivery.parts_only, delivery.parts_failed = delivery.parts_failed, None
    delivery.status, delivery.sequence = Delivery.Status.PENDING, sequence
    delivery.attempts, delivery.error_code, delivery.error_detail = 0, "", ""
    delivery.created_at = delivery.next_attempt_at = timezone.now()
    delivery.sent_at = None
    delivery.save()
