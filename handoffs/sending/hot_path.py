"""The moves of nearly all traffic, one statement each for all who wait: to the vendor, from it.

Each does exactly what the services do for the plain case, and nothing else: what is not plain is
left alone, and the services take over. On SQLite nothing is plain.

A statement takes the conversation's lock, as handoffs.locking does, but waits for none: what
somebody else holds is not plain either. So a writer that hangs makes no other conversation wait,
and lists cannot wait for each other in a circle. What a statement reads beside the locked rows is
as old as its beginning; by the conversation's sequence it sees that nothing has happened since.

`coalesce` hides a condition from the partial indexes: a plan that is kept must not walk through all
that is open or pending because there was little of it when it was made.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError
from django.utils import timezone

from conversations.event_loop.batcher import Batcher
from conversations.event_loop.database import LoopDatabase
from conversations.journal import publish
from conversations.journal.frames import DirectDelivery, frame_of
from conversations.journal.services import NewEvent
from conversations.journal.text_wake_up import texts_wake_from_loop
from conversations.models import Event
from conversations.webhooks.statement import LISTENING, TOLD
from conversations.webhooks.wake_up import wake_from_loop
from handoffs.lifecycle.deadlines import ACTIVE_SILENCE
from handoffs.lifecycle.locking import Lease
from integrations.telemetry.correlation import correlation_id
from integrations.telemetry.metrics import JOURNAL_LINES

_TO_VENDOR = f"""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(%(input)s::jsonb) AS input (
        conversation_id text, event_id uuid, payload jsonb, metadata jsonb, client_event_id text,
        folded text, correlation_id text
    )
), seen AS MATERIALIZED (
    SELECT id, last_sequence FROM conversations_conversation WHERE id = ANY (%(ids)s::text[])
), locked AS MATERIALIZED (
    SELECT conversation.id AS conversation_id, conversation.last_sequence, handoff.id AS handoff_id,
           handoff.owner_id, conversation.project_id, conversation.environment,
           conversation.shared_id,
           -- The same in every locale, as Python has it.
           coalesce(integration.behaviour ->> 'stop_word', '') COLLATE "C" AS stop_word
    FROM conversations_conversation AS conversation
    JOIN handoffs_handoff AS handoff ON handoff.conversation_id = conversation.id
    LEFT JOIN integrations_integration AS integration ON integration.id = handoff.integration_id
    WHERE conversation.id = ANY (%(ids)s::text[]) AND coalesce(conversation.state, '') = 'handoff'
      AND handoff.state IN ('requested', 'connecting', 'queued', 'active')
      AND handoff.open_offer IS NULL
      -- Who waits with a flow is answered by it too.
      AND NOT jsonb_exists(conversation.flow, 'waiting')
    FOR NO KEY UPDATE OF conversation SKIP LOCKED
), plain AS MATERIALIZED (
    SELECT input.*, locked.handoff_id, locked.owner_id, locked.project_id, locked.environment,
           locked.shared_id, queue.waiting = 0 AS is_next
    FROM input JOIN locked USING (conversation_id)
    JOIN seen ON seen.id = locked.conversation_id AND seen.last_sequence = locked.last_sequence
    CROSS JOIN LATERAL (
        SELECT count(*) AS waiting FROM (
            SELECT FROM handoffs_delivery AS earlier
            WHERE earlier.handoff_id = locked.handoff_id AND earlier.status = 'pending'
            LIMIT %(most)s
        ) AS earlier
    ) AS queue
    WHERE queue.waiting < %(most)s
      AND (stop_word = '' OR stop_word ~ '^[!-~]+$' AND lower(stop_word) <> folded)
      AND (client_event_id = '' OR NOT EXISTS (
          SELECT FROM conversations_event AS sent
          WHERE sent.conversation_id = input.conversation_id
            AND sent.client_event_id = input.client_event_id
            AND sent.client_event_id <> ''
      ))
), numbered AS (
    UPDATE conversations_conversation AS conversation SET last_sequence = last_sequence + 1
    WHERE id = ANY (ARRAY(SELECT conversation_id FROM plain))
    RETURNING conversation.id, last_sequence
), line AS (
    INSERT INTO conversations_event
        (id, conversation_id, sequence, type, payload, metadata, client_event_id, created_at)
    SELECT event_id, conversation_id, last_sequence, 'USER_MESSAGE', payload, metadata,
           client_event_id, %(now)s::timestamptz
    FROM plain JOIN numbered ON numbered.id = conversation_id
), delivery AS (
    INSERT INTO handoffs_delivery
        (handoff_id, event_id, sequence, status, attempts, parts_sent, next_attempt_at,
         error_code, created_at, correlation_id)
    SELECT handoff_id, event_id, last_sequence, 'pending', 0, 0, %(now)s::timestamptz, '',
           %(now)s::timestamptz, correlation_id
    FROM plain JOIN numbered ON numbered.id = conversation_id
    RETURNING id, handoff_id
), told AS (
    {TOLD}
    FROM plain {LISTENING}
    RETURNING conversation_id
)
SELECT conversation_id, last_sequence, handoff_id, owner_id, delivery.id, is_next,
       conversation_id IN (SELECT conversation_id FROM told)
FROM plain JOIN numbered ON numbered.id = conversation_id JOIN delivery USING (handoff_id)
"""  # noqa: S608  # of constants
_FROM_VENDOR = f"""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(%(input)s::jsonb) AS input (
        handoff_id text, worker_id uuid, epoch integer, agent_id text, vendor_event_id text,
        vendor_message_id text, occurred_at timestamptz, event_id uuid, payload jsonb, session text,
        correlation_id text
    )
), locked AS MATERIALIZED (
    SELECT handoff.id AS handoff_id, conversation.id AS conversation_id,
           handoff.live_agents ->> input.agent_id AS agent_name, conversation.project_id,
           conversation.environment, conversation.shared_id,
           conversation.platform = 'sms' AS is_by_text
    FROM input
    JOIN handoffs_handoff AS handoff ON handoff.id = input.handoff_id
    JOIN conversations_conversation AS conversation ON conversation.id = handoff.conversation_id
    WHERE handoff.id = ANY (%(ids)s::text[])
      AND coalesce(conversation.state, '') = 'handoff' AND handoff.state = 'active'
      AND handoff.owner_id = input.worker_id AND handoff.lease_epoch = input.epoch
      -- One without a name yet may get it now.
      AND coalesce(handoff.live_agents ->> input.agent_id, '') <> ''
      AND (input.vendor_message_id = '' OR handoff.early_changes -> input.vendor_message_id IS NULL)
      AND NOT EXISTS (
          SELECT FROM handoffs_vendorevent AS known
          WHERE known.handoff_id = input.handoff_id
            AND known.vendor_event_id = input.vendor_event_id
      )
    FOR NO KEY UPDATE OF conversation, handoff SKIP LOCKED
), numbered AS (
    UPDATE conversations_conversation AS conversation SET last_sequence = last_sequence + 1
    WHERE id = ANY (ARRAY(SELECT conversation_id FROM locked))
    RETURNING conversation.id, last_sequence
), kept AS (
    UPDATE handoffs_handoff AS handoff
    SET vendor_session = input.session,
        -- An unchanged deadline keeps the row's place in every index.
        deadline_at = CASE
            WHEN deadline_at > %(late_enough)s::timestamptz THEN deadline_at
            ELSE %(deadline)s::timestamptz
        END
    FROM locked JOIN input USING (handoff_id)
    WHERE handoff.id = locked.handoff_id AND handoff.id = ANY (%(ids)s::text[])
), received AS (
    INSERT INTO handoffs_vendorevent
        (handoff_id, vendor_event_id, vendor_message_id, kind, event_id, occurred_at, received_at)
    SELECT handoff_id, vendor_event_id, vendor_message_id, 'LiveAgentMessage', event_id,
           occurred_at, %(now)s::timestamptz
    FROM locked JOIN input USING (handoff_id)
), line AS (
    INSERT INTO conversations_event
        (id, conversation_id, sequence, type, payload, metadata, client_event_id, created_at)
    SELECT event_id, conversation_id, last_sequence, 'LIVE_AGENT_MESSAGE',
           payload || jsonb_build_object('agent_name', agent_name), NULL, '',
           %(now)s::timestamptz
    FROM locked JOIN input USING (handoff_id) JOIN numbered ON numbered.id = conversation_id
), told AS (
    {TOLD}
    FROM locked JOIN input USING (handoff_id) {LISTENING}
    RETURNING conversation_id
)
SELECT handoff_id, conversation_id, last_sequence, agent_name, is_by_text,
       conversation_id IN (SELECT conversation_id FROM told)
FROM locked JOIN numbered ON numbered.id = conversation_id
"""  # noqa: S608  # of constants
_SENT = """
UPDATE handoffs_delivery SET status = 'sent', sent_at = %(now)s::timestamptz, error_code = ''
WHERE id = ANY (ARRAY(
    SELECT delivery.id
    FROM jsonb_to_recordset(%(input)s::jsonb) AS input (
        delivery_id bigint, handoff_id text, worker_id uuid, epoch integer, created_at timestamptz
    )
    JOIN handoffs_delivery AS delivery ON delivery.id = input.delivery_id
    JOIN handoffs_handoff AS handoff ON handoff.id = delivery.handoff_id
    WHERE delivery.id = ANY (%(ids)s::bigint[]) AND handoff.id = input.handoff_id
      AND coalesce(delivery.status, '') = 'pending'
      -- Else it is to be sent again, to the fallback, though the handoff is read as it was before.
      AND delivery.created_at = input.created_at
      AND handoff.owner_id = input.worker_id AND handoff.lease_epoch = input.epoch
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
))
RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """An end user's message without files."""

    conversation_id: str
    line: NewEvent = field(repr=False)
    # Whoever asks is known here; the statement runs for many.
    correlation_id: str = field(default_factory=correlation_id.get)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """What a live agent who has joined says; `stored_session` is encrypted."""

    lease: Lease
    line: NewEvent = field(repr=False)
    agent_id: str
    vendor_event_id: str
    vendor_message_id: str
    occurred_at: datetime
    stored_session: str = field(repr=False)
    deadline_at: datetime
    correlation_id: str = field(default_factory=correlation_id.get)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery that the vendor has taken."""

    lease: Lease
    delivery_id: int
    created_at: datetime


async def messages_to_vendor(messages: Sequence[UserMessage]) -> list[Event | None]:
    """Journal messages and queue them for their vendors; None for each that is not plain.

    Plain is: a handoff is open and nothing offered, the text is not its stop word, the message was
    not sent before, and not too many wait.
    """
    now = timezone.now()
    ids = [message.conversation_id for message in messages]
    items = [user_input(one) | {"folded": _folded(one)} for one in messages]
    most = settings.LIVE_AGENT_MESSAGES_WAITING
    rows = await plain_rows(_queueing, _TO_VENDOR, items, ids=ids, now=now, most=most)
    lines_written(rows)
    found = {row[0]: row[1:] for row in rows}
    return [_queued(message, found.get(message.conversation_id), now) for message in messages]


async def messages_from_vendor(messages: Sequence[AgentMessage]) -> list[Event | None]:
    """Journal live agents' messages, once each; None for each that is not plain.

    Plain is: the lease holds, the handoff is active, the live agent has joined by name, the event
    is new, and nothing has changed it before it came.
    """
    now = timezone.now()
    deadline = max(message.deadline_at for message in messages)
    items = [_agent_input(one) for one in messages]
    slack = timedelta(seconds=min(60.0, ACTIVE_SILENCE.after.total_seconds() / 10))
    moments = {"now": now, "deadline": deadline, "late_enough": deadline - slack}
    ids = [message.lease.handoff_id for message in messages]
    rows = await plain_rows(_hearing, _FROM_VENDOR, items, ids=ids, **moments)
    lines_written(rows)
    found = {row[0]: row[1:] for row in rows}
    return [_said(message.line, found.get(message.lease.handoff_id), now) for message in messages]


async def deliveries_sent(sent: Sequence[Sent]) -> list[bool]:
    """Mark deliveries as taken by their vendors; False for each that is not plain.

    Plain is: the lease holds, and the delivery is still pending as it was read.
    """
    items = [_sent_input(one) for one in sent]
    ids = [one.delivery_id for one in sent]
    rows = await plain_rows(_marking, _SENT, items, ids=ids, now=timezone.now())
    marked = {row[0] for row in rows}
    return [one.delivery_id in marked for one in sent]


# A connection each, so that one does not wait for the other.
_queueing, _hearing, _marking = LoopDatabase(), LoopDatabase(), LoopDatabase()
send_to_vendor = Batcher(messages_to_vendor, key=lambda message: message.conversation_id)
take_from_vendor = Batcher(messages_from_vendor, key=lambda message: message.lease.handoff_id)
_marks = Batcher(deliveries_sent, key=lambda sent: sent.lease.handoff_id)


async def mark_sent(sent: Sent) -> bool:
    """Do as deliveries_sent does, together with others.

    Whoever is cancelled here is cancelled after it: the vendor has the message, and without the
    mark the next session would send it again.
    """
    mark = _marks.ask(sent)
    try:
        return await asyncio.shield(mark)
    except asyncio.CancelledError:
        await asyncio.wait([mark])
        raise


def user_input(message: UserMessage) -> dict[str, Any]:
    """Return an end user's message as both ways' statements read it."""
    line = message.line
    return {
        "conversation_id": message.conversation_id,
        "event_id": str(line.id),
        "payload": line.payload,
        "metadata": line.metadata,
        "client_event_id": line.client_event_id,
        "correlation_id": message.correlation_id,
    }


def _folded(message: UserMessage) -> str:
    """Return a text as a stop word is compared with it."""
    text: str = message.line.payload["text"]
    return text.strip().casefold()


def _agent_input(message: AgentMessage) -> dict[str, Any]:
    return {
        **_lease_input(message.lease),
        "agent_id": message.agent_id,
        "vendor_event_id": message.vendor_event_id,
        "vendor_message_id": message.vendor_message_id,
        "occurred_at": message.occurred_at.isoformat(),
        "event_id": str(message.line.id),
        "payload": message.line.payload,
        "session": message.stored_session,
        "correlation_id": message.correlation_id,
    }


def _sent_input(sent: Sent) -> dict[str, Any]:
    return {
        **_lease_input(sent.lease),
        "delivery_id": sent.delivery_id,
        "created_at": sent.created_at.isoformat(),
    }


def _lease_input(lease: Lease) -> dict[str, Any]:
    return {
        "handoff_id": lease.handoff_id,
        "worker_id": str(lease.worker_id),
        "epoch": lease.epoch,
    }


async def plain_rows(
    database: LoopDatabase, statement: str, items: list[dict[str, Any]], **values: Any
) -> list[Any]:
    """Run a statement; no rows if it meets a repeat, or what no column takes.

    Somebody may write the same at the same moment: then nothing of the list is written, and the
    services find out whose it is.
    """
    if settings.IS_SQLITE:
        return []
    try:
        return await database.rows(statement, {"input": json.dumps(items), **values})
    except (IntegrityError, DataError):
        return []


def lines_written(rows: list[Any]) -> None:
    """Count the lines; whether an endpoint is to be told of one stands last in its row."""
    JOURNAL_LINES.inc(len(rows))
    if any(row[-1] for row in rows):
        wake_from_loop()


def _queued(message: UserMessage, row: Any, now: datetime) -> Event | None:
    if row is None:
        return None
    sequence, handoff_id, owner_id, delivery_id, is_next, _ = row
    event = line_event(message.line, message.conversation_id, sequence, now)
    direct: DirectDelivery | None = None
    if is_next:
        text = message.line.payload["text"]
        direct = {
            "id": delivery_id,
            "message_id": str(event.id),
            "text": text,
            "at": now.timestamp(),
            "correlation_id": message.correlation_id,
        }
    publish.relay_wake_with(owner_id, handoff_id, direct)
    publish.frames_show(message.conversation_id, [frame_of(event)])
    return event


def _said(line: NewEvent, row: Any, now: datetime) -> Event | None:
    if row is None:
        return None
    conversation_id, sequence, agent_name, is_by_text, _ = row
    line.payload["agent_name"] = agent_name
    return line_shown(line, conversation_id, sequence, now, is_by_text=is_by_text)


def line_shown(
    line: NewEvent, conversation_id: str, sequence: int, now: datetime, *, is_by_text: bool
) -> Event:
    """Show a line that was written to whoever is looking, and wake whoever texts it."""
    event = line_event(line, conversation_id, sequence, now)
    publish.frames_show(conversation_id, [frame_of(event)])
    if is_by_text:
        texts_wake_from_loop()
    return event


def line_event(line: NewEvent, conversation_id: str, sequence: int, now: datetime) -> Event:
    """Return the row of a line as it was written."""
    return Event(
        id=line.id,
        conversation_id=conversation_id,
        sequence=sequence,
        type=line.type,
        payload=line.payload,
        metadata=line.metadata,
        client_event_id=line.client_event_id,
        created_at=now,
    )
