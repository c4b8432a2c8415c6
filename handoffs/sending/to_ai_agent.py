"""The move of a message to the AI agent, one statement for all who wait for it.

As hot_path.py says of the moves to a vendor and from it: what is not plain is left alone, and the
services take over (handoffs/responder.py: message_accept).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from conversations.event_loop.batcher import Batcher
from conversations.event_loop.database import LoopDatabase
from conversations.models import Event
from conversations.webhooks.statement import LISTENING, TOLD
from handoffs.lifecycle.queueing import queue_answer
from handoffs.sending.hot_path import (
    UserMessage,
    line_shown,
    lines_written,
    plain_rows,
    send_to_vendor,
    user_input,
)
from handoffs.starting.message_bounds import MINUTE, ROUNDING
from integrations.telemetry.correlation import correlation_id

CONVERSATIONS_KNOWN = 10_000
_TO_AI_AGENT = f"""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(%(input)s::jsonb) AS input (
        conversation_id text, event_id uuid, payload jsonb, metadata jsonb, client_event_id text,
        correlation_id text
    )
), seen AS MATERIALIZED (
    SELECT id, last_sequence FROM conversations_conversation WHERE id = ANY (%(ids)s::text[])
), locked AS MATERIALIZED (
    SELECT id AS conversation_id, last_sequence, answered_sequence, project_id, environment,
           shared_id, platform, answer_due_at IS NULL AS is_first,
           greatest(coalesce(turns_booked_until, %(now)s::timestamptz), %(now)s::timestamptz)
               + %(part)s::interval AS booked
    FROM conversations_conversation
    WHERE id = ANY (%(ids)s::text[]) AND coalesce(state, '') = 'bot'
    FOR NO KEY UPDATE SKIP LOCKED
), plain AS MATERIALIZED (
    SELECT input.*, project_id, environment, shared_id, platform, is_first, booked
    FROM input JOIN locked USING (conversation_id)
    JOIN seen ON seen.id = conversation_id AND seen.last_sequence = locked.last_sequence
    CROSS JOIN LATERAL (
        SELECT count(*) AS waiting FROM (
            SELECT FROM conversations_event AS earlier
            WHERE earlier.conversation_id = locked.conversation_id
              AND earlier.sequence > locked.answered_sequence AND earlier.type = 'USER_MESSAGE'
            LIMIT %(most)s
        ) AS earlier
    ) AS queue
    WHERE queue.waiting < %(most)s AND booked <= %(latest)s::timestamptz
      AND (client_event_id = '' OR NOT EXISTS (
          SELECT FROM conversations_event AS sent
          WHERE sent.conversation_id = input.conversation_id
            AND sent.client_event_id = input.client_event_id
            AND sent.client_event_id <> ''
      ))
), numbered AS (
    UPDATE conversations_conversation AS conversation
    SET last_sequence = conversation.last_sequence + 1, turns_booked_until = booked,
        answer_due_at = coalesce(answer_due_at, %(now)s::timestamptz)
    FROM plain
    WHERE conversation.id = conversation_id AND conversation.id = ANY (%(ids)s::text[])
    RETURNING conversation.id, conversation.last_sequence
), line AS (
    INSERT INTO conversations_event
        (id, conversation_id, sequence, type, payload, metadata, client_event_id, created_at)
    SELECT event_id, conversation_id, last_sequence, 'USER_MESSAGE', payload, metadata,
           client_event_id, %(now)s::timestamptz
    FROM plain JOIN numbered ON numbered.id = conversation_id
), told AS (
    {TOLD}
    FROM plain {LISTENING}
    RETURNING conversation_id
)
SELECT conversation_id, last_sequence, is_first, platform = 'sms',
       conversation_id IN (SELECT conversation_id FROM told)
FROM plain JOIN numbered ON numbered.id = conversation_id
"""  # noqa: S608  # of constants


async def messages_to_ai_agent(messages: Sequence[UserMessage]) -> list[Event | None]:
    """Journal messages and queue the AI agent's turns; None for each that is not plain.

    Plain is: the AI agent is in charge, the message was not sent before, and neither too many wait
    nor is the minute full.
    """
    now = timezone.now()
    rows = await plain_rows(
        _writing,
        _TO_AI_AGENT,
        [user_input(message) for message in messages],
        ids=[message.conversation_id for message in messages],
        now=now,
        part=MINUTE / settings.AI_AGENT_TURNS_PER_MINUTE,
        latest=now + MINUTE + ROUNDING,
        most=settings.AI_AGENT_MESSAGES_WAITING,
    )
    lines_written(rows)
    found = {row[0]: row[1:] for row in rows}
    _queue_turns([one for one in messages if found.get(one.conversation_id, (0, False))[1]])
    return [_written(message, found.get(message.conversation_id), now) for message in messages]


_writing = LoopDatabase()
send_to_ai_agent = Batcher(messages_to_ai_agent, key=lambda message: message.conversation_id)


class MessageWays:
    """Sends a plain message the way that the last one of its conversation went, else the other."""

    def __init__(self) -> None:
        """Take every conversation for the AI agent's."""
        self._at_vendors: OrderedDict[str, None] = OrderedDict()

    async def send(self, message: UserMessage) -> Event | None:
        """Return the line; None where the message is not plain for either."""
        known = message.conversation_id
        if known in self._at_vendors:
            if event := await send_to_vendor(message):
                return event
            self._at_vendors.pop(known, None)
            return await send_to_ai_agent(message)
        if event := await send_to_ai_agent(message):
            return event
        if event := await send_to_vendor(message):
            self._at_vendors[known] = None
            while len(self._at_vendors) > CONVERSATIONS_KNOWN:
                self._at_vendors.popitem(last=False)
        return event


def _queue_turns(messages: Sequence[UserMessage]) -> None:
    """Queue a turn for each; nobody waits for the queue, and a sweep finds what it loses."""
    if messages:
        asyncio.get_running_loop().run_in_executor(None, _queue_each, messages)


def _queue_each(messages: Sequence[UserMessage]) -> None:
    for message in messages:
        token = correlation_id.set(message.correlation_id)
        try:
            queue_answer(message.conversation_id)
        finally:
            correlation_id.reset(token)


def _written(message: UserMessage, row: Any, now: datetime) -> Event | None:
    if row is None:
        return None
    sequence, _, is_by_text, _ = row
    known = message.conversation_id
    return line_shown(message.line, known, sequence, now, is_by_text=is_by_text)
