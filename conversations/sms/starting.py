"""Write to an end user first: in the thread that there is, or in a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import transaction

from conversations.journal.frames import EventType
from conversations.journal.services import (
    NewEvent,
    agent_join,
    conversation_lock,
    events_append,
    message_event,
)
from conversations.models import Channel, Conversation, SmsThread
from conversations.sms.threads import thread_conversation
from integrations.connections.carriers.reading import carrier_connections, connection_policy
from integrations.models import Integration, Project


class OutboundRefusedError(Exception):
    """It cannot be written; carries the HTTP status, the text names the cure."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status beside the text."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundNumber:
    """A number of ours, and the connection that has it."""

    integration: Integration
    number: str


def outbound_number(project: Project, token: str, number: str) -> OutboundNumber:
    """Return the number to write from; raises OutboundRefusedError."""
    rows = [row for row in carrier_connections(project) if row.is_usable]
    if token:
        channel = Channel.objects.filter(project=project, public_key=token).first()
        if channel is None:
            raise OutboundRefusedError(404, "The token belongs to no channel of this project.")
        rows = [row for row in rows if row.environment == channel.environment]
    found = [
        OutboundNumber(integration=row, number=one)
        for row in rows
        for one in connection_policy(row).numbers
        if number in ("", one)
    ]
    if not found:
        text = "No such number is connected there." if number else "No number is connected there."
        raise OutboundRefusedError(404, text)
    if not token and len({one.integration.environment for one in found}) > 1:
        text = "Several environments have numbers: name a channel of one in the header X-TOKEN-ID."
        raise OutboundRefusedError(400, text)
    return found[0]


@transaction.atomic
def outbound_say(of: OutboundNumber, *, to: str, message: str) -> None:
    """Write a message into the thread's journal; raises OutboundRefusedError."""
    thread, _ = SmsThread.objects.get_or_create(
        integration=of.integration, our_number=of.number, user_number=to
    )
    if thread.opted_out_at is not None:
        raise OutboundRefusedError(403, "This end user has opted out; only their START undoes it.")
    conversation = thread_conversation(thread.pk)
    if conversation is None:
        raise OutboundRefusedError(429, "Their last conversation is just ending; try again.")
    # Told even where the greeting is not.
    line = replace(
        message_event(EventType.POLY_AGENT_MESSAGE, message), metadata={"outbound": True}
    )
    _say(conversation, line)


def _say(conversation: Conversation, line: NewEvent) -> None:
    locked = conversation_lock(conversation.pk)
    if locked.state == Conversation.State.CREATED:
        agent_join(locked.pk, opening=lambda _: [line])
    elif locked.state == Conversation.State.BOT:
        events_append(locked, [line])
    else:
        raise OutboundRefusedError(400, "A live agent is talking to them; they can write it.")
