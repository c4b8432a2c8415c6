"""What an AI agent does that drives a conversation by itself: say, type, hand off, cancel, end.

Every act is repeatable by its key, and none is taken while a live agent is asked for or present:
the agent is out of the conversation between POLY_AGENT_LEFT and POLY_AGENT_JOINED.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from conversations.ai_agent.conv.messages import agent_message_event
from conversations.ai_agent.runtimes.runtime import session_answered
from conversations.ai_agent.runtimes.services import outside_agent_answered
from conversations.ai_agent.streaming import chunk_payload, project_streams
from conversations.ai_agent.turn import AgentMessage
from conversations.errors import ConversationEndedError
from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.frames import EventType, SessionEnd, transient_frame
from conversations.journal.selectors import event_by_client_id
from conversations.journal.services import (
    conversation_end,
    conversation_lock,
    events_append,
)
from conversations.models import Conversation, Event
from handoffs.lifecycle.availability import destination_check
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff
from handoffs.payload.reading import HandoffPayload, payload_read
from handoffs.starting.addressing import offered_integrations
from handoffs.starting.start import handoff_address, handoff_begin, handoff_open
from handoffs.starting.turns.claims import turn_clear
from handoffs.states import EndReason, State
from integrations.behaviour.settings import behaviour_of
from integrations.connections.destinations import vendor_title
from integrations.models import Integration

SOURCE = "outside agent"
# In what is kept of a conversation: the messages that grow, the newest last.
_PIECES, GROWING_MAX = "pieces", 10
# What a connection does when nobody is there that the agent would hear of too late.
_REFUSING = frozenset({"fail", "return_to_bot"})


class AgentActError(Exception):
    """What the agent wants does not fit where the conversation stands; nothing has happened."""


class NotInChargeError(AgentActError):
    """A live agent is asked for or present, or the end user has not begun yet."""


class AlreadyActiveError(AgentActError):
    """A handoff is open already."""


class NotStreamingError(AgentActError):
    """The agent is not set to send texts in pieces, so that no client expects them."""


class PieceOrderError(AgentActError):
    """A piece of a text is missing before this one, or its message is whole already."""


class NoAgentsError(AgentActError):
    """Nobody would answer, and the connection is set to refuse then."""


class NothingOpenError(AgentActError):
    """There is no handoff that could be cancelled."""


def agent_say(
    conversation_id: str, messages: Sequence[AgentMessage], *, key: str = ""
) -> list[Event]:
    """Journal messages of the AI agent; the same key again returns the first line.

    Raises NotInChargeError, ConversationEndedError.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        client_id = _client_id(key)
        known = event_by_client_id(conversation, client_id) or _same_id(conversation, messages)
        if known is not None:
            return [known]
        _require_charge(conversation)
        return _say(conversation, messages, client_id)


@transaction.atomic
def agent_piece(
    conversation_id: str, message_id: uuid.UUID, piece: str, index: int, *, is_last: bool
) -> None:
    """Show the next piece of a text that grows; one that was shown already is left out.

    The journal gets the whole message alone, by agent_say with the same id. Raises
    PieceOrderError, NotInChargeError, ConversationEndedError.
    """
    conversation = conversation_lock(conversation_id)
    _require_charge(conversation)
    if not project_streams(conversation.project_id):
        raise NotStreamingError("Build > AI agent does not say that it sends texts in pieces.")
    growing = _growing(conversation)
    shown, is_whole = growing.get(str(message_id), (0, False))
    if index <= shown:
        return
    if is_whole or Event.objects.filter(pk=message_id).exists():
        raise PieceOrderError("The message is whole already.")
    if index > shown + 1:
        raise PieceOrderError(f"The next piece is {shown + 1}.")
    others = [[key, *at] for key, at in growing.items() if key != str(message_id)]
    newest = [*others, [str(message_id), index, is_last]][-GROWING_MAX:]
    conversation.agent_session = {**conversation.agent_session, _PIECES: newest}
    conversation.save(update_fields=["agent_session"])
    if conversation.is_streaming:
        payload = chunk_payload(message_id, piece, index, is_last=is_last)
        frame = transient_frame(EventType.POLY_AGENT_MESSAGE_CHUNK, payload)
        publish.transient_publish(conversation_id, frame)


def _growing(conversation: Conversation) -> dict[str, tuple[int, bool]]:
    """Return how many pieces of which message were shown, and whether that was all of it."""
    kept = conversation.agent_session.get(_PIECES, [])
    return {row[0]: (row[1], row[2]) for row in kept if isinstance(row, list)}


def agent_type(conversation_id: str) -> None:
    """Show that the AI agent is at it; losing it is harmless. Raises NotInChargeError."""
    _require_charge(Conversation.objects.get(pk=conversation_id))
    publish.transient_publish(conversation_id, transient_frame(EventType.POLY_AGENT_THINKING, {}))


def agents_require(conversation_id: str, asked: Mapping[str, Any], *, key: str = "") -> None:
    """Raise NoAgentsError where a handoff would come to nothing for want of live agents.

    Asked before agent_hand_off, so that the agent can offer something else. Only where the handoff
    or its connection says to fail then; a connection that queues is not asked. Raises HandoffError.
    """
    connection = _refusing_connection(conversation_id, asked, key)
    if connection is None:
        return
    found = asyncio.run(destination_check(connection, run_sync))
    if found.is_available is False:
        name = vendor_title(connection)
        opens = f" It opens at {found.next_open_at.isoformat()}." if found.next_open_at else ""
        raise NoAgentsError(f"No live agent is available at {name} now.{opens}")


def _refusing_connection(
    conversation_id: str, asked: Mapping[str, Any], key: str
) -> Integration | None:
    """Return the connection of a handoff that is not to wait; None where nothing is to be asked."""
    conversation = Conversation.objects.select_related("project").get(pk=conversation_id)
    is_again = key and _by_call(conversation, f"api:{_digest(key)}")
    if is_again or conversation.state != Conversation.State.BOT:
        return None
    offered = offered_integrations(conversation.project, [conversation.environment])
    address = handoff_address(conversation, payload_read(asked, integrations=offered))
    if address.integration is None:
        return None
    wanted = address.payload.hints.get("on_unavailable")
    wanted = wanted or behaviour_of(address.integration).on_unavailable
    return address.integration if wanted in _REFUSING else None


@transaction.atomic
def agent_hand_off(
    conversation_id: str,
    asked: Mapping[str, Any],
    *,
    messages: Sequence[AgentMessage] = (),
    key: str = "",
) -> Handoff:
    """Open the handoff that a dict of a tool asks for; the same key again returns the first one.

    `messages` are said before it. Raises AlreadyActiveError, NotInChargeError,
    InvalidPayloadError and the other HandoffErrors of a payload; nothing has happened then.
    """
    conversation = conversation_lock(conversation_id)
    call_id = f"api:{_digest(key) if key else uuid.uuid4().hex}"
    if known := _by_call(conversation, call_id):
        return known
    _require_open(conversation)
    if handoff_open(conversation.pk) is not None:
        raise AlreadyActiveError("A handoff is open already; cancel it first.")
    _require_charge(conversation)
    offered = offered_integrations(conversation.project, [conversation.environment])
    payload = payload_read(asked, integrations=offered)
    address = handoff_address(conversation, payload)
    said = [*messages, *_utterance(address.payload, messages)]
    _say(conversation, said, "")
    return handoff_begin(conversation, address, tool_call_id=call_id, source=SOURCE)


@transaction.atomic
def agent_cancel(conversation_id: str) -> Handoff:
    """Take the end user out of the queue; raises NothingOpenError once somebody has joined."""
    conversation = conversation_lock(conversation_id)
    _require_open(conversation)
    handoff = handoff_open(conversation.pk)
    if handoff is None or State(handoff.state) is State.ACTIVE:
        raise NothingOpenError("No handoff waits in a queue: there is nothing to cancel.")
    handoff.conversation = conversation
    handoff_end(handoff, EndReason.CANCELLED)
    return handoff


@transaction.atomic
def agent_end(conversation_id: str, messages: Sequence[AgentMessage] = ()) -> None:
    """End the conversation, with a last word; ending twice is fine. Raises NotInChargeError."""
    conversation = conversation_lock(conversation_id)
    if conversation.is_over:
        return
    _require_charge(conversation)
    _say(conversation, messages, "")
    conversation_end(conversation, SessionEnd.NATURAL_END)


def _say(
    conversation: Conversation, messages: Sequence[AgentMessage], client_id: str
) -> list[Event]:
    """Write messages down; whatever was owed to the end user is answered by them."""
    session = session_answered(conversation.agent_session)
    if conversation.answer_promised_until is not None or session != conversation.agent_session:
        outside_agent_answered(conversation.project_id)
    conversation.answered_sequence = conversation.last_sequence
    conversation.answer_promised_until, conversation.agent_session = None, session
    turn_clear(conversation, also=["answered_sequence", "answer_promised_until", "agent_session"])
    lines = [agent_message_event(message) for message in messages]
    if lines:
        lines[0] = replace(lines[0], client_event_id=client_id)
    return events_append(conversation, lines) if lines else []


def _utterance(payload: HandoffPayload, messages: Sequence[AgentMessage]) -> list[AgentMessage]:
    said = [message.text for message in messages]
    if not payload.utterance or payload.utterance in said:
        return []
    return [AgentMessage(text=payload.utterance)]


def _same_id(conversation: Conversation, messages: Sequence[AgentMessage]) -> Event | None:
    """Return the line that a message's own id names already; raises where it is another's."""
    named = next((message.id for message in messages if message.id is not None), None)
    known = Event.objects.filter(pk=named).first() if named else None
    if known is not None and known.conversation_id != conversation.pk:
        raise PieceOrderError("message_id is taken: make a new one.")
    return known


def _require_open(conversation: Conversation) -> None:
    if conversation.is_over:
        raise ConversationEndedError("conversation_ended")


def _require_charge(conversation: Conversation) -> None:
    _require_open(conversation)
    if conversation.state == Conversation.State.CREATED:
        raise NotInChargeError(
            "The AI agent has not joined yet: the client asks for it with REQUEST_POLY_AGENT_JOIN."
        )
    if conversation.state != Conversation.State.BOT:
        raise NotInChargeError("The AI agent is not in charge of this conversation now.")


def _by_call(conversation: Conversation, call_id: str) -> Handoff | None:
    return Handoff.objects.filter(conversation=conversation, tool_call_id=call_id).first()


def _client_id(key: str) -> str:
    """Return what makes a resend recognisable, apart from the end user's own ids."""
    return f"agent:{_digest(key)}" if key else ""


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]
