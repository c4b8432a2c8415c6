"""Turns what the other side sends into our events, and what it is told into its JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.connector import (
    Availability,
    EndUserIdentity,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TranscriptLine,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageRead,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.json_values import (
    Json,
    as_count,
    as_moment,
    as_object,
    as_objects,
    as_text,
    iso_moment,
)
from integrations.kit.transcript import transcript_is_wanted

# Hints that chose this connection; the other side has no use for them.
_OURS = frozenset({"connector", "credential_set"})
_MAX_SECONDS = 7 * 24 * 3600
# Events by the capability an admin must have ticked for them.
NEEDED = {"typing": "typing", "read": "read", "queue": "queue_status"}


class Named(TypedDict):
    """The fields that all events have."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class Received:
    """One event as it came, with what every event of ours needs."""

    def __init__(self, external_id: str, body: Json) -> None:
        """Take the stored body of an item."""
        self.kind = as_text(body.get("type"))
        self.data = as_object(body.get("data"))
        self.vendor_event_id = as_text(body.get("event_id"))
        self.vendor_conversation_id = external_id
        # The second is the moment of the signature, which every stored body has.
        moment = as_moment(body.get("occurred_at")) or as_moment(body.get("received_at"))
        self.occurred_at = moment or datetime.now(UTC)
        agent = as_object(self.data.get("agent"))
        self.agent_name = as_text(agent.get("name"))
        self.agent_id = as_text(agent.get("id")) or self.agent_name
        self.avatar_url = as_text(agent.get("avatar_url"))

    def named(self, suffix: str = "") -> Named:
        """Return the fields that all events have."""
        return {
            "vendor_event_id": f"{self.vendor_event_id}{suffix}",
            "vendor_conversation_id": self.vendor_conversation_id,
            "occurred_at": self.occurred_at,
        }


def events_of(external_id: str, body: Json, allowed: frozenset[str]) -> list[VendorEvent]:
    """Return what a body means; nothing for what the admin has not ticked."""
    received = Received(external_id, body)
    if NEEDED.get(received.kind, "") not in {"", *allowed}:
        return []
    read = _READERS.get(received.kind)
    if read is None:
        return [UnknownEvent(name=received.kind[:60], **received.named())]
    events = read(received)
    if "attachments" not in allowed:
        events = [event for event in events if not isinstance(event, LiveAgentAttachment)]
    return events


def availability_of(answer: Json) -> Availability:
    """Read the answer to an availability call; without `available` nothing is known."""
    available = answer.get("available")
    return Availability(
        is_available=available if isinstance(available, bool) else None,
        position=_few(answer.get("position")),
        estimated_wait_seconds=_few(answer.get("estimated_wait_seconds")),
    )


def handoff_body(request: HandoffRequest) -> dict[str, object]:
    """Return the body that opens a handoff."""
    wanted = transcript_is_wanted(request)
    return {
        "handoff_id": request.handoff_id,
        "conversation": {
            "id": request.conversation_id,
            "channel": request.channel,
            "locale": request.locale,
        },
        "user": _user(request.end_user),
        "hints": {name: value for name, value in request.routing.items() if name not in _OURS},
        "transcript": [_line(line) for line in request.transcript] if wanted else [],
        "callback_url": request.webhook_url,
    }


def message_body(message: OutboundMessage) -> dict[str, object]:
    """Return the body of a text message."""
    return {
        "message_id": message.message_id,
        "text": message.text,
        "sent_at": iso_moment(message.sent_at),
        "attachments": [],
    }


def attachment_body(attachment: OutboundAttachment) -> dict[str, object]:
    """Return the body of a message that is one file, to be fetched from our address."""
    file = {
        "name": attachment.file_name,
        "mime_type": attachment.mime_type,
        "size_bytes": len(attachment.content),
        "url": attachment.public_url,
    }
    return {
        "message_id": attachment.attachment_id,
        "text": "",
        "sent_at": iso_moment(datetime.now(UTC)),
        "attachments": [file],
    }


def queue_of(request: HandoffRequest) -> str:
    """Return the queue that the handoff asks for, or nothing."""
    queue = request.routing.get("queue")
    return queue if isinstance(queue, str) else ""


def _user(user: EndUserIdentity) -> dict[str, object]:
    return {
        "external_id": user.external_id,
        "is_verified": user.is_verified,
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
    }


def _line(line: TranscriptLine) -> dict[str, str]:
    return {
        "speaker": line.speaker,
        "text": line.text,
        "sent_at": iso_moment(line.sent_at),
    }


def _few(value: object) -> int | None:
    """Read a place in the queue, or seconds; more than a week of them is nonsense."""
    count = as_count(value)
    return None if count is None or count > _MAX_SECONDS else count


def _accepted(received: Received) -> list[VendorEvent]:
    queue = as_text(received.data.get("queue"))
    return [QueuePositionChanged(queue_name=queue, **received.named())] if queue else []


def _queue(received: Received) -> list[VendorEvent]:
    return [
        QueuePositionChanged(
            position=_few(received.data.get("position")) or None,
            estimated_wait_seconds=_few(received.data.get("estimated_wait_seconds")),
            queue_name=as_text(received.data.get("queue")),
            **received.named(),
        )
    ]


def _joined(received: Received) -> list[VendorEvent]:
    return [
        LiveAgentJoined(
            agent_id=received.agent_id,
            agent_name=received.agent_name,
            avatar_url=received.avatar_url,
            **received.named(),
        )
    ]


def _message(received: Received) -> list[VendorEvent]:
    text = as_text(received.data.get("text"))
    if not received.agent_id:
        return [SystemNotice(text=text, **received.named())] if text else []
    agent_id, agent_name = received.agent_id, received.agent_name
    events: list[VendorEvent] = []
    if text:
        message = LiveAgentMessage(
            text=text, agent_id=agent_id, agent_name=agent_name, **received.named()
        )
        events.append(message)
    for number, file in enumerate(as_objects(received.data.get("attachments"))):
        if as_text(file.get("url")):
            events.append(_file(received, file, f":{number}"))
    return events


def _file(received: Received, file: Json, suffix: str) -> LiveAgentAttachment:
    return LiveAgentAttachment(
        agent_id=received.agent_id,
        agent_name=received.agent_name,
        file_name=as_text(file.get("name")) or "file",
        mime_type=as_text(file.get("mime_type")) or "application/octet-stream",
        url=as_text(file.get("url")),
        **received.named(suffix),
    )


def _typing(received: Received) -> list[VendorEvent]:
    is_typing = received.data.get("is_typing") is not False
    return [LiveAgentTyping(agent_id=received.agent_id, is_typing=is_typing, **received.named())]


def _read(received: Received) -> list[VendorEvent]:
    message_id = as_text(received.data.get("message_id"))
    return [MessageRead(vendor_message_id=message_id, **received.named())] if message_id else []


def _transferred(received: Received) -> list[VendorEvent]:
    return [TransferStarted(**received.named())]


def _left(received: Received) -> list[VendorEvent]:
    return [
        LiveAgentLeft(
            agent_id=received.agent_id, agent_name=received.agent_name, **received.named()
        )
    ]


def _closed(received: Received) -> list[VendorEvent]:
    return [ConversationEnded(ended_by=as_text(received.data.get("by")), **received.named())]


def _error(received: Received) -> list[VendorEvent]:
    """Nobody there fails a waiting handoff; any other error ends it."""
    code = as_text(received.data.get("code"))[:64]
    if code == "no_agents":
        return [NoLiveAgents(detail=code, **received.named())]
    return [ConversationEnded(ended_by="error", **received.named())]


# The types of the contract, in the order in which a conversation goes through them.
_READERS: Mapping[str, Callable[[Received], list[VendorEvent]]] = {
    "accepted": _accepted,
    "queue": _queue,
    "joined": _joined,
    "message": _message,
    "typing": _typing,
    "read": _read,
    "transferred": _transferred,
    "left": _left,
    "closed": _closed,
    "error": _error,
}
