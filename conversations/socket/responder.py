"""Who answers an end user: a protocol, and the class that settings name for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NotRequired, Protocol, TypedDict, Unpack, cast

from django.conf import settings
from django.utils.module_loading import import_string

from conversations.ai_agent.sandbox.host import Service
from conversations.journal.frames import Receipt
from conversations.models import Conversation, Event
from integrations.contract.manifest import AttachmentLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """What was taken of a message; `values` fills in a form, by the names of its fields."""

    message_id: uuid.UUID
    payload: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


class SaidMessage(TypedDict):
    """What an end user says; without files unless there are `file_ids`."""

    conversation_id: str
    text: str
    client_event_id: str
    metadata: dict[str, Any] | None
    file_ids: NotRequired[Sequence[uuid.UUID]]
    answer: NotRequired[GivenAnswer | None]


class Responder(Protocol):
    """Takes what an end user does; synchronous but for one call that is made all the time.

    Raises ConversationError with a plain text.
    """

    async def on_message(self, **said: Unpack[SaidMessage]) -> list[Event]:
        """Journal a message and have it answered; a resend returns the first line again.

        What many say at the same moment may be written in one go. Files must have been uploaded
        to this conversation, and somebody must take them.
        """

    def attachment_limits(self, *, conversation_id: str) -> AttachmentLimits | None:
        """Return which files whoever answers takes, or None if no files at all.

        Raises NotAllowedError where no live agent is asked for.
        """

    def on_typing(self, *, conversation_id: str, is_typing: bool) -> None:
        """Pass on that the end user types; losing it is harmless."""

    def on_receipt(self, *, conversation_id: str, message_id: str, kind: Receipt) -> None:
        """Pass on how far a live agent's message came."""

    def on_retry(
        self,
        *,
        conversation_id: str,
        message_id: str,
        client_event_id: str,
        metadata: dict[str, Any] | None,
    ) -> list[Event]:
        """Send a message again that was not delivered; a resend returns the first line again."""

    def on_cancel(self, *, conversation_id: str) -> list[Event]:
        """Leave the queue and go back to the AI agent."""

    def on_leave(self, *, conversation_id: str, metadata: dict[str, Any] | None) -> list[Event]:
        """End the conversation for the end user."""

    def on_gone(self, *, conversation_id: str) -> None:
        """End the conversation of an end user who cannot be reached any more, or is silent."""

    def on_ended(self, *, conversation_id: str) -> None:
        """Do what is to be done once when a conversation is over."""

    def tool_services(self, conversation: Conversation) -> Mapping[str, Service]:
        """Return what a conversation's tools may ask of the portal."""

    def queue_status(self, *, conversation_id: str) -> dict[str, Any] | None:
        """Return the last queue status to show on connect, or None."""


@cache
def responder() -> Responder:
    """Return the responder of this deployment."""
    return cast(Responder, import_string(settings.CONVERSATION_RESPONDER)())
