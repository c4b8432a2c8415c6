"""Decide who answers: the AI agent, or the live agent while a handoff is open."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.sandbox.host import Service
from conversations.errors import ClientFaultError, ConversationEndedError, NotAllowedError
from conversations.event_loop.executor import run_sync
from conversations.files.attachments import attachment_object, attachments_said
from conversations.journal import publish
from conversations.journal.frames import EventType, Receipt, RelaySignal, SessionEnd
from conversations.journal.selectors import event_by_client_id
from conversations.journal.services import (
    NewEvent,
    conversation_end,
    conversation_lock,
    events_append,
    message_event,
)
from conversations.models import Conversation, Event
from conversations.socket.responder import SaidMessage
from handoffs.lifecycle.queueing import queue_answer, queue_waiting_flow
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff, VendorEvent
from handoffs.sending.files import files_taken, limits_of
from handoffs.sending.hot_path import UserMessage
from handoffs.sending.offers import offer_check_closed, offer_match, offer_take
from handoffs.sending.outbox import delivery_create
from handoffs.sending.retry import message_retry
from handoffs.sending.to_ai_agent import MessageWays
from handoffs.starting.agent_place import end_function, tool_services
from handoffs.starting.message_bounds import ai_agent_admit, live_agent_admit
from handoffs.starting.start import handoff_open
from handoffs.states import EndReason, State
from integrations.contract.manifest import AttachmentLimits

_WAYS = MessageWays()


class HandoffResponder:
    """Implements conversations.socket.responder.Responder."""

    async def on_message(self, **said: Unpack[SaidMessage]) -> list[Event]:
        """Journal a message; then it is the AI agent's to answer or the vendor's to get."""
        if not said.get("file_ids") and not said.get("answer"):
            plain = UserMessage(conversation_id=said["conversation_id"], line=_user_message(said))
            if event := await _WAYS.send(plain):
                return [event]
        return await run_sync(message_accept, **said)

    def attachment_limits(self, *, conversation_id: str) -> AttachmentLimits | None:
        """Return which files the vendor of the open handoff takes, or None if no files."""
        handoff = handoff_open(conversation_id)
        if handoff is None:
            raise NotAllowedError("files_need_live_agent")
        return limits_of(handoff)

    def on_typing(self, *, conversation_id: str, is_typing: bool) -> None:
        """Pass typing on while a live agent is present."""
        handoff = handoff_open(conversation_id)
        if handoff is None or State(handoff.state) is not State.ACTIVE:
            return
        if handoff.behaviour.typing:
            signal = "typing_started" if is_typing else "typing_stopped"
            _signal(handoff, signal, "")

    def on_receipt(self, *, conversation_id: str, message_id: str, kind: Receipt) -> None:
        """Pass on a receipt for a line that came from the vendor; a failure is always told."""
        handoff = handoff_open(conversation_id)
        if handoff is None or not (handoff.behaviour.read_receipts or kind == "failed"):
            return
        inbox = VendorEvent.objects.filter(handoff=handoff, event_id=_event_id(message_id)).first()
        if inbox is not None:
            _signal(handoff, kind, inbox.vendor_event_id)

    def on_retry(
        self,
        *,
        conversation_id: str,
        message_id: str,
        client_event_id: str,
        metadata: dict[str, Any] | None,
    ) -> list[Event]:
        """Queue a message again that its vendor did not get."""
        return message_retry(
            conversation_id,
            _event_id(message_id),
            client_event_id=client_event_id,
            metadata=metadata,
        )

    @transaction.atomic
    def on_cancel(self, *, conversation_id: str) -> list[Event]:
        """Leave the queue; raises NotAllowedError once somebody has joined."""
        handoff = _locked_open_handoff(conversation_id)
        if handoff is None or State(handoff.state) is State.ACTIVE:
            raise NotAllowedError("nothing_to_cancel")
        return handoff_end(handoff, EndReason.CANCELLED)

    @transaction.atomic
    def on_leave(self, *, conversation_id: str, metadata: dict[str, Any] | None) -> list[Event]:
        """End everything, also at the vendor; repeating it is not an error."""
        handoff = _locked_open_handoff(conversation_id)
        conversation = handoff.conversation if handoff else conversation_lock(conversation_id)
        if conversation.is_over:
            return []
        if handoff is not None and not handoff.behaviour.allow_user_end:
            raise NotAllowedError("only_live_agent_ends")
        echo = NewEvent(type=EventType.USER_END_SESSION, metadata=metadata)
        events = events_append(conversation, [echo])
        if handoff is not None:
            return events + handoff_end(handoff, EndReason.END_USER_ENDED)
        return events + conversation_end(conversation, SessionEnd.USER_END)

    @transaction.atomic
    def on_gone(self, *, conversation_id: str) -> None:
        """End everything, also where only the live agent may end it; repeating is no error."""
        handoff = _locked_open_handoff(conversation_id)
        if handoff is not None:
            handoff_end(handoff, EndReason.END_USER_LEFT)
            return
        conversation = conversation_lock(conversation_id)
        if not conversation.is_over:
            conversation_end(conversation, SessionEnd.USER_ABANDONED)

    def on_ended(self, *, conversation_id: str) -> None:
        """Run the project's end_function, once."""
        end_function(conversation_id)

    def tool_services(self, conversation: Conversation) -> Mapping[str, Service]:
        """Return what a conversation's tools may ask of the portal."""
        return tool_services(conversation)

    def queue_status(self, *, conversation_id: str) -> dict[str, Any] | None:
        """Return the last queue status of a handoff that is still waiting."""
        handoff = handoff_open(conversation_id)
        if handoff is None or State(handoff.state) is not State.QUEUED:
            return None
        status: dict[str, Any] = handoff.queue_status
        return status or None


def _user_message(said: SaidMessage) -> NewEvent:
    return replace(
        message_event(EventType.USER_MESSAGE, said["text"]),
        metadata=said["metadata"],
        client_event_id=said["client_event_id"],
    )


@transaction.atomic
def message_accept(**said: Unpack[SaidMessage]) -> list[Event]:
    """Do as on_message for one message alone, in whatever state its conversation is."""
    message, file_ids = _user_message(said), said.get("file_ids", ())
    conversation = conversation_lock(said["conversation_id"])
    known = event_by_client_id(conversation, message.client_event_id)
    if known is not None:
        return [known]
    if conversation.is_over:
        raise ConversationEndedError("conversation_ended")
    if conversation.state == Conversation.State.CREATED:
        raise ClientFaultError("Send REQUEST_POLY_AGENT_JOIN before the first message.")
    handoff = _admit(conversation, message, is_answer=bool(said.get("answer")))
    is_answer = _answer(conversation, handoff, said, message)
    files = files_taken(conversation, file_ids) if file_ids else []
    message.payload["attachments"] = [attachment_object(file) for file in files]
    events = events_append(conversation, [message])
    attachments_said(events[0], files)
    if conversation.state == Conversation.State.BOT:
        _to_ai_agent(conversation)
    elif handoff is not None:
        return events + _to_live_agent(handoff, events[0], is_answer=is_answer)
    return events


def _answer(
    conversation: Conversation, handoff: Handoff | None, said: SaidMessage, message: NewEvent
) -> bool:
    """Make the message the answer that it is, if it is one to what the vendor offers."""
    text, given, taken = message.payload["text"], said.get("answer"), None
    if given is not None:
        if handoff is None:
            offer_check_closed(conversation.pk, given)
        else:
            taken = offer_take(handoff, given)
    elif handoff is not None and not said.get("file_ids") and not _is_stop_word(handoff, text):
        taken = offer_match(handoff, text)
    if taken is not None:
        message.payload.update(text=taken.text, answer=taken.journal)
    return taken is not None


def _admit(
    conversation: Conversation, message: NewEvent, *, is_answer: bool = False
) -> Handoff | None:
    """Return the handoff that the message is for; raises RateLimitedError where too much waits."""
    if conversation.state == Conversation.State.BOT:
        ai_agent_admit(conversation)
    if conversation.state != Conversation.State.HANDOFF:
        return None
    handoff = handoff_open(conversation.pk)
    if handoff is not None:
        handoff.conversation = conversation
        if is_answer or not _is_stop_word(handoff, message.payload["text"]):
            live_agent_admit(handoff)
    return handoff


def _locked_open_handoff(conversation_id: str) -> Handoff | None:
    conversation = conversation_lock(conversation_id)
    handoff = handoff_open(conversation_id)
    if handoff is not None:
        handoff.conversation = conversation
    return handoff


def _to_live_agent(handoff: Handoff, event: Event, *, is_answer: bool = False) -> list[Event]:
    if not is_answer and _is_stop_word(handoff, event.payload["text"]):
        is_waiting = State(handoff.state) is not State.ACTIVE
        return handoff_end(handoff, EndReason.CANCELLED if is_waiting else EndReason.STOP_WORD)
    delivery_create(handoff, event)
    if State(handoff.state) is State.QUEUED and handoff.conversation.flow.get("waiting"):
        transaction.on_commit(partial(queue_waiting_flow, handoff.pk, str(event.pk)))
    publish.relay_wake(handoff.owner_id, handoff.pk)
    return []


def _is_stop_word(handoff: Handoff, text: str) -> bool:
    stop_word = handoff.behaviour.stop_word.strip().casefold()
    return bool(stop_word) and text.strip().casefold() == stop_word


def _to_ai_agent(conversation: Conversation) -> None:
    """Queue a turn; one that is due or under way already goes on to this message."""
    if conversation.answer_due_at is None:
        conversation.answer_due_at = timezone.now()
        transaction.on_commit(partial(queue_answer, conversation.pk))
    conversation.save(update_fields=["answer_due_at", "turns_booked_until"])


def _signal(handoff: Handoff, signal: Any, vendor_message_id: str) -> None:
    message: RelaySignal = {
        "type": "relay.signal",
        "handoff_id": handoff.pk,
        "signal": signal,
        "vendor_message_id": vendor_message_id,
    }
    publish.relay_signal(handoff.owner_id, message)


def _event_id(message_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(message_id)
    except ValueError as error:
        raise ClientFaultError("payload.message_id is not the id of a message.") from error
