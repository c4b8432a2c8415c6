"""The two statements of a plain turn: claim it and read what it needs, and write it down.

Each does exactly what the services do for the plain case, and nothing else: what is not plain is
left alone, and the services take over. On SQLite, and inside of a transaction, nothing is plain.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DataError, IntegrityError, models
from django.utils import timezone

from conversations.ai_agent.conv.messages import agent_message_event
from conversations.ai_agent.course import Turn
from conversations.ai_agent.returned import handoff_misplaced
from conversations.event_loop.thread_database import ThreadDatabase, is_apart
from conversations.journal import publish
from conversations.journal.frames import frame_of
from conversations.journal.services import NewEvent
from conversations.journal.text_wake_up import texts_wake
from conversations.models import Conversation, EndUser, Event
from conversations.models.conversation import TEST_PANEL
from conversations.releases.known import STAMPS, project_know
from conversations.webhooks.statement import LISTENING, TOLD
from conversations.webhooks.wake_up import wake
from handoffs.payload.reading import has_handoff
from handoffs.sending.hot_path import line_event
from integrations.telemetry.correlation import correlation_id
from integrations.telemetry.metrics import JOURNAL_LINES

_DATABASE = ThreadDatabase()
_WAITING = """
    conversation.answer_due_at IS NOT NULL AND conversation.state = 'bot'
    AND (conversation.turn_until IS NULL OR conversation.turn_until < statement_timestamp())
"""


def _columns(model: type[models.Model], name: str) -> str:
    return ", ".join(f"{name}.{field.column}" for field in model._meta.concrete_fields)


_CLAIM = f"""
WITH claimed AS (
    UPDATE conversations_conversation AS conversation
    SET turn_id = %(turn)s, turn_until = statement_timestamp() + %(lease)s,
        answer_tries = answer_tries + 1
    WHERE id = %(conversation)s AND {_WAITING}
    RETURNING *
)
SELECT {_columns(Conversation, "conversation")}, {_columns(EndUser, "person")},
       {_columns(Event, "said")}, {STAMPS}
FROM claimed AS conversation
JOIN conversations_enduser AS person ON person.id = conversation.end_user_id
LEFT JOIN LATERAL (
    SELECT * FROM conversations_event AS line
    WHERE line.conversation_id = conversation.id AND line.type = 'USER_MESSAGE'
      AND line.sequence > conversation.answered_sequence
    ORDER BY line.sequence
    LIMIT 1
) AS said ON true
"""  # noqa: S608  # of constants
_NEXT = f"""
SELECT project.workspace_id, conversation.project_id
FROM conversations_conversation AS conversation
JOIN integrations_project AS project ON project.id = conversation.project_id
WHERE {_WAITING}
GROUP BY project.workspace_id, conversation.project_id
ORDER BY min(conversation.answer_due_at)
"""  # noqa: S608  # of constants
_WRITE = f"""
WITH answered AS (
    UPDATE conversations_conversation
    SET last_sequence = last_sequence + %(number)s, answered_sequence = %(sequence)s,
        answer_due_at = NULL, answer_tries = 0,
        answer_promised_until = CASE WHEN NOT %(was_asked)s::boolean THEN answer_promised_until END,
        turn_id = NULL, turn_until = NULL,
        dialog = coalesce(%(dialog)s::jsonb, dialog),
        tool_state = coalesce(%(state)s::jsonb, tool_state),
        agent_session = coalesce(%(session)s::jsonb, agent_session)
    WHERE id = %(conversation)s AND turn_id = %(turn)s AND state = 'bot'
      AND last_sequence = %(sequence)s
    RETURNING id AS conversation_id, project_id, environment, shared_id, platform
), plain AS (
    SELECT answered.*, input.*, %(correlation)s::text AS correlation_id
    FROM answered CROSS JOIN jsonb_to_recordset(%(lines)s::jsonb)
        AS input (place integer, event_id uuid, payload jsonb)
), line AS (
    INSERT INTO conversations_event
        (id, conversation_id, sequence, type, payload, metadata, client_event_id, created_at)
    SELECT event_id, conversation_id, %(sequence)s + place, 'POLY_AGENT_MESSAGE', payload, NULL,
           '', %(now)s::timestamptz
    FROM plain
), told AS (
    {TOLD}
    FROM plain {LISTENING}
    RETURNING conversation_id
)
SELECT platform = 'sms', EXISTS (SELECT FROM told) FROM answered
"""  # noqa: S608  # of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFacts:
    """What a turn begins with; without an event no message waits for an answer."""

    conversation: Conversation
    event: Event | None


def tenants_waiting() -> list[tuple[int, int]]:
    """Return workspace and project of all who wait for an answer, who waits longest first."""
    return [(workspace, project) for workspace, project in _DATABASE.rows(_NEXT, {})]


def turn_claim(turn_id: uuid.UUID, conversation_id: str, lease: timedelta) -> TurnFacts | None:
    """Claim a conversation in which a turn may be taken now, and read what it needs."""
    values = {"turn": turn_id, "conversation": conversation_id, "lease": lease}
    rows = _DATABASE.rows(_CLAIM, values)
    if not rows:
        return None
    values_of = iter(rows[0])
    conversation, end_user, event = (
        _instance(model, [next(values_of) for _ in model._meta.concrete_fields])
        for model in (Conversation, EndUser, Event)
    )
    assert isinstance(conversation, Conversation) and isinstance(end_user, EndUser)
    conversation.end_user = end_user
    project_know(conversation, next(values_of), next(values_of))
    if isinstance(event, Event):
        event.conversation = conversation
    return TurnFacts(conversation=conversation, event=event if isinstance(event, Event) else None)


def turn_write(facts: TurnFacts, turn_id: uuid.UUID, turn: Turn) -> bool:
    """Write down a turn that says something and does nothing else; False where it is not plain.

    Plain is: the claim holds, the AI agent is in charge, and nothing was said meanwhile.
    """
    if facts.event is None or not (is_apart() and _is_plain(facts.conversation, turn)):
        return False
    now, sequence = timezone.now(), facts.event.sequence
    lines = [agent_message_event(said) for said in turn.messages]
    values = {
        "conversation": facts.conversation.pk,
        "turn": turn_id,
        "number": len(lines),
        "sequence": sequence,
        "lines": json.dumps([_input(place, one) for place, one in enumerate(lines, start=1)]),
        "dialog": _json(turn.dialog),
        "state": _json(turn.state),
        "session": _json(turn.agent_session),
        "was_asked": turn.agent_error is not None,
        "correlation": correlation_id.get(),
        "now": now,
    }
    try:
        rows = _DATABASE.rows(_WRITE, values)
    except (IntegrityError, DataError):
        return False
    if not rows:
        return False
    JOURNAL_LINES.inc(len(lines))
    frames = [
        frame_of(line_event(one, facts.conversation.pk, sequence + place, now))
        for place, one in enumerate(lines, start=1)
    ]
    publish.frames_publish(facts.conversation.pk, frames)
    _wake(*rows[0])
    return True


def _is_plain(conversation: Conversation, turn: Turn) -> bool:
    """Say whether a turn does nothing but talk, and leaves the flow where it is."""
    acts = (turn.handoff_calls, turn.effects, turn.logs, turn.has_hung_up, turn.agent_error)
    is_still = turn.flow is None or dict(turn.flow) == conversation.flow
    is_asking = has_handoff(turn.returned) or handoff_misplaced(turn.returned) is not None
    is_tested = bool(conversation.page.get(TEST_PANEL))
    has_begun = bool(conversation.flow.get("resume") or conversation.flow.get("has_handed_off"))
    talks = bool(turn.messages) and is_still
    return talks and not (any(acts) or is_asking or is_tested or has_begun)


def _wake(is_by_text: bool, is_told: bool) -> None:
    if is_by_text:
        texts_wake()
    if is_told:
        wake()


def _instance(model: type[models.Model], values: Sequence[Any]) -> models.Model | None:
    """Build a row as the ORM does; None where an outer join found none."""
    fields = [field.attname for field in model._meta.concrete_fields]
    return None if values[0] is None else model.from_db("default", fields, values)


def _input(place: int, line: NewEvent) -> dict[str, Any]:
    return {"place": place, "event_id": str(line.id), "payload": line.payload}


def _json(value: object | None) -> str | None:
    return None if value is None else json.dumps(value)
