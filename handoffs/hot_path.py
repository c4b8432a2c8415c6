"""The two moves of nearly all traffic, in plain statements: a message to the vendor, one from it.

Each does exactly what the services do for the plain case, and nothing else: whatever is not plain
makes it write nothing and return None, and the services take over. Four statements each.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from conversations import publish
from conversations.frames import frame_of
from conversations.models import Conversation, Event
from conversations.rows import plain_json, row_insert, to_moment, to_uuid
from conversations.services import NewEvent
from handoffs.locking import Lease
from handoffs.models import Delivery, VendorEvent
from handoffs.states import OPEN_STATES, State
from integrations.metrics import JOURNAL_LINES

_OPEN = tuple(state.value for state in OPEN_STATES)
# Takes the conversation's lock and the next sequence at once.
_NEXT_SEQUENCE = """
    UPDATE conversations_conversation SET last_sequence = last_sequence + 1
    WHERE id = %s AND state = %s RETURNING id, last_sequence
"""
_NEXT_SEQUENCE_OF_HANDOFF = """
    UPDATE conversations_conversation SET last_sequence = last_sequence + 1
    WHERE id = (SELECT conversation_id FROM handoffs_handoff WHERE id = %s) AND state = %s
    RETURNING id, last_sequence
"""
_OPEN_HANDOFF = """
    SELECT handoff.id, handoff.owner_id, integration.behaviour
    FROM handoffs_handoff AS handoff
    JOIN integrations_integration AS integration ON integration.id = handoff.integration_id
    WHERE handoff.conversation_id = %s AND handoff.state IN (%s, %s, %s, %s)
"""
_KEEP_SESSION = """
    UPDATE handoffs_handoff SET vendor_session = %s, deadline_at = %s
    WHERE id = %s AND owner_id = %s AND lease_epoch = %s AND state = %s
    RETURNING live_agents
"""


class _NotPlainError(Exception):
    """Roll back: this is a case for the services."""


def message_to_vendor(conversation_id: str, message: NewEvent) -> list[Event] | None:
    """Journal an end user's message and queue it for the vendor, while a handoff is open.

    A repeated client_event_id raises IntegrityError, as any writer's would.
    """
    try:
        with transaction.atomic():
            _, sequence = _next_sequence(_NEXT_SEQUENCE, conversation_id)
            handoff_id, owner_id = _open_handoff(conversation_id, message.payload["text"])
            event = _line(conversation_id, sequence, message)
            delivery = Delivery(handoff_id=handoff_id, event=event, sequence=sequence)
            row_insert(delivery)
            publish.frames_publish(conversation_id, [frame_of(event)])
            publish.relay_wake(owner_id, handoff_id)
            return [event]
    except _NotPlainError:
        return None


def message_from_vendor(
    lease: Lease,
    line: NewEvent,
    *,
    agent_id: str,
    received: VendorEvent,
    stored_session: str,
    deadline_at: Any,
) -> bool:
    """Journal a live agent's message, once; False if this is not the plain case.

    Plain is: the lease holds, the handoff is active, the live agent has joined, the event is new.
    """
    try:
        with transaction.atomic():
            conversation_id, sequence = _next_sequence(_NEXT_SEQUENCE_OF_HANDOFF, lease.handoff_id)
            names = _keep_session(lease, stored_session, deadline_at)
            if agent_id not in names or not row_insert(received, ignore_conflicts=True):
                raise _NotPlainError
            line.payload["agent_name"] = names[agent_id]
            event = _line(conversation_id, sequence, line)
            publish.frames_publish(conversation_id, [frame_of(event)])
            return True
    except _NotPlainError:
        return False


def _next_sequence(statement: str, key: str) -> tuple[str, int]:
    conversation_id, sequence = _one(statement, [key, Conversation.State.HANDOFF.value])
    return conversation_id, sequence


def _open_handoff(conversation_id: str, text: str) -> tuple[str, Any]:
    handoff_id, owner_id, behaviour = _one(_OPEN_HANDOFF, [conversation_id, *_OPEN])
    stop_word = str(plain_json(behaviour).get("stop_word", "")).strip().casefold()
    if stop_word and text.strip().casefold() == stop_word:
        raise _NotPlainError
    return handoff_id, owner_id and uuid.UUID(str(owner_id))


def _keep_session(lease: Lease, stored_session: str, deadline_at: Any) -> dict[str, str]:
    values = [stored_session, to_moment(deadline_at), lease.handoff_id]
    values += [to_uuid(lease.worker_id), lease.epoch]
    (live_agents,) = _one(_KEEP_SESSION, [*values, State.ACTIVE.value])
    names: dict[str, str] = plain_json(live_agents)
    return names


def _line(conversation_id: str, sequence: int, new: NewEvent) -> Event:
    event = Event(
        id=new.id,
        conversation_id=conversation_id,
        sequence=sequence,
        type=new.type,
        payload=new.payload,
        metadata=new.metadata,
        client_event_id=new.client_event_id,
        created_at=timezone.now(),
    )
    row_insert(event)
    JOURNAL_LINES.inc()
    return event


def _one(statement: str, values: list[Any]) -> Any:
    """Return the statement's one row; none means that the case is not plain."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        raise _NotPlainError
    return row
