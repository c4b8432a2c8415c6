"""What a client of the Chat API does in turns: open, say, hear the answer, close.

A handoff is the client's own (`client`) or the portal's (`server`), as the channel says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.errors import ConversationEndedError
from conversations.journal.frames import EventType
from conversations.journal.selectors import event_by_client_id
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Event, OutsideAgent
from conversations.socket.responder import responder
from handoffs.lifecycle.details import handoff_destination, handoff_status
from handoffs.models import Handoff
from handoffs.responder import message_accept
from integrations.behaviour.sentences import sentence


class TurnUnderWayError(Exception):
    """The AI agent still answers the last message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message of the end user; `client_event_id` makes a resend recognisable."""

    text: str = field(repr=False)
    client_event_id: str = ""
    metadata: dict[str, Any] | None = None
    integration_attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    locale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """How a turn went; `handoff` is there while a handoff is what the client must know."""

    response: str = field(repr=False)
    has_ended: bool
    handoff: dict[str, Any] | None = None


@transaction.atomic
def chat_say(conversation_id: str, message: ChatMessage) -> int:
    """Journal a message and return where; without a text, return where the journal ends.

    Raises ConversationEndedError once the end was told, TurnUnderWayError, RateLimitedError.
    """
    conversation = conversation_lock(conversation_id)
    known = event_by_client_id(conversation, message.client_event_id)
    if known is not None:
        return known.sequence
    _keep(conversation, message)
    if conversation.is_over:
        if conversation.is_end_told:
            raise ConversationEndedError("conversation_ended")
        return conversation.last_sequence
    if not message.text.strip():
        return conversation.last_sequence
    if conversation.answer_due_at is not None:
        raise TurnUnderWayError("The AI agent still answers the last message.")
    [line, *_] = message_accept(
        conversation_id=conversation_id,
        text=message.text,
        client_event_id=message.client_event_id,
        metadata=message.metadata,
    )
    return line.sequence


def chat_answer(conversation_id: str, since: int, *, is_asked: bool) -> ChatAnswer | None:
    """Return the answer to the line at `since`; None while its turn is under way.

    Where nothing was asked there is nothing to wait for.
    """
    conversation = Conversation.objects.select_related("project").get(pk=conversation_id)
    until = _next_message(conversation, since)
    texts = _texts(conversation, since, until)
    if is_asked and conversation.state == Conversation.State.BOT:
        is_answered = conversation.answered_sequence >= since
        if not is_answered or (not texts and _answers_later(conversation)):
            return None
    if conversation.is_over:
        Conversation.objects.filter(pk=conversation_id).update(is_end_told=True)
    return ChatAnswer(
        response="\n".join(texts),
        has_ended=conversation.is_over,
        handoff=_handoff(conversation, since),
    )


@transaction.atomic
def chat_close(conversation_id: str) -> None:
    """End a conversation as its end user; raises NotAllowedError where only a live agent may."""
    responder().on_leave(conversation_id=conversation_id, metadata=None)
    Conversation.objects.filter(pk=conversation_id).update(is_end_told=True)


def _keep(conversation: Conversation, message: ChatMessage) -> None:
    """Keep what comes beside the text, and that the client is alive."""
    conversation.last_seen_at = timezone.now()
    conversation.locale = message.locale or conversation.locale
    conversation.integration_attributes |= message.integration_attributes
    conversation.save(update_fields=["last_seen_at", "locale", "integration_attributes"])


def _next_message(conversation: Conversation, since: int) -> int:
    """Return where the end user's next message stands, or behind the journal's end."""
    later = Event.objects.filter(
        conversation=conversation, type=EventType.USER_MESSAGE, sequence__gt=since
    )
    found = later.order_by("sequence").values_list("sequence", flat=True).first()
    return found or conversation.last_sequence + 1


def _texts(conversation: Conversation, since: int, until: int) -> list[str]:
    """Return what the AI agent said; a handoff that could not be is said as well."""
    lines = Event.objects.filter(
        conversation=conversation,
        type__in=[EventType.POLY_AGENT_MESSAGE, EventType.HANDOFF_FAILED],
        sequence__gt=since,
        sequence__lt=until,
    )
    failed = sentence("handoff_failed", conversation.tongue)
    texts = [line.payload.get("text", failed) for line in lines.order_by("sequence")]
    return [text for text in texts if text]


def _answers_later(conversation: Conversation) -> bool:
    """Say whether a turn without a word is one that an outside agent answers by REST."""
    return OutsideAgent.objects.filter(project_id=conversation.project_id).exists()


def _handoff(conversation: Conversation, since: int) -> dict[str, Any] | None:
    """Return the handoff that began since, or that still is what the conversation is about."""
    handoff = Handoff.objects.filter(conversation=conversation).order_by("-requested_at").first()
    if handoff is None:
        return None
    start = _line(conversation, EventType.POLY_AGENT_TRIGGERED_HANDOFF, handoff)
    if start is None or (start <= since and _has_returned(conversation, start)):
        return None
    destination = handoff_destination(handoff)
    told = {"destination": destination, "reason": handoff.reason or destination}
    if conversation.is_client_managed:
        return told
    return told | {
        "id": handoff.pk,
        "status": handoff_status(handoff),
        "state": handoff.state,
        "integration": handoff.integration_key,
    }


def _line(conversation: Conversation, kind: EventType, handoff: Handoff) -> int | None:
    rows = Event.objects.filter(conversation=conversation, type=kind)
    return rows.filter(payload__handoff_id=handoff.pk).values_list("sequence", flat=True).first()


def _has_returned(conversation: Conversation, start: int) -> bool:
    return Event.objects.filter(
        conversation=conversation, type=EventType.POLY_AGENT_JOINED, sequence__gt=start
    ).exists()
