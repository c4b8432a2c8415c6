"""Turns what the other side sends into our events; pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.connector import Availability
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

Json = Mapping[str, object]
_MAX_SECONDS = 7 * 24 * 3600
# Events by the capability an admin must have ticked for them.
NEEDED = {"typing": "typing", "read": "read", "queue": "queue_status"}


class Named(TypedDict):
    """The fields that all events have."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class Heard:
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
    heard = Heard(external_id, body)
    if NEEDED.get(heard.kind, "") not in {"", *allowed}:
        return []
    read = _READERS.get(heard.kind)
    if read is None:
        return [UnknownEvent(name=heard.kind[:60], **heard.named())]
    events = read(heard)
    if "attachments" not in allowed:
        events = [event for event in events if not isinstance(event, LiveAgentAttachment)]
    return events


def availability_of(answer: Json) -> Availability:
    """Read the answer to an availability call; without `available` nothing is known."""
    available = answer.get("available")
    return Availability(
        is_available=available if isinstance(available, bool) else None,
        position=as_count(answer.get("position")),
        estimated_wait_seconds=as_count(answer.get("estimated_wait_seconds")),
    )


def as_object(value: object) -> Json:
    """Narrow to a JSON object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_text(value: object) -> str:
    """Narrow to text; anything else is empty."""
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """Narrow to a whole number of zero or more that is no nonsense."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_SECONDS else None


def as_moment(value: object) -> datetime | None:
    """Read an ISO 8601 time; None where there is none."""
    try:
        moment = datetime.fromisoformat(as_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _accepted(heard: Heard) -> list[VendorEvent]:
    queue = as_text(heard.data.get("queue"))
    return [QueuePositionChanged(queue_name=queue, **heard.named())] if queue else []


def _queue(heard: Heard) -> list[VendorEvent]:
    return [
        QueuePositionChanged(
            position=as_count(heard.data.get("position")) or None,
            estimated_wait_seconds=as_count(heard.data.get("estimated_wait_seconds")),
            queue_name=as_text(heard.data.get("queue")),
            **heard.named(),
        )
    ]


def _joined(heard: Heard) -> list[VendorEvent]:
    return [
        LiveAgentJoined(
            agent_id=heard.agent_id,
            agent_name=heard.agent_name,
            avatar_url=heard.avatar_url,
            **heard.named(),
        )
    ]


def _message(heard: Heard) -> list[VendorEvent]:
    text = as_text(heard.data.get("text"))
    if not heard.agent_id:
        return [SystemNotice(text=text, **heard.named())] if text else []
    agent_id, agent_name = heard.agent_id, heard.agent_name
    events: list[VendorEvent] = []
    if text:
        message = LiveAgentMessage(
            text=text, agent_id=agent_id, agent_name=agent_name, **heard.named()
        )
        events.append(message)
    files = heard.data.get("attachments")
    for number, file in enumerate(map(as_object, files if isinstance(files, list) else [])):
        if as_text(file.get("url")):
            events.append(_file(heard, file, f":{number}"))
    return events


def _file(heard: Heard, file: Json, suffix: str) -> LiveAgentAttachment:
    return LiveAgentAttachment(
        agent_id=heard.agent_id,
        agent_name=heard.agent_name,
        file_name=as_text(file.get("name")) or "file",
        mime_type=as_text(file.get("mime_type")) or "application/octet-stream",
        url=as_text(file.get("url")),
        **heard.named(suffix),
    )


def _typing(heard: Heard) -> list[VendorEvent]:
    is_typing = heard.data.get("is_typing") is not False
    return [LiveAgentTyping(agent_id=heard.agent_id, is_typing=is_typing, **heard.named())]


def _read(heard: Heard) -> list[VendorEvent]:
    message_id = as_text(heard.data.get("message_id"))
    return [MessageRead(vendor_message_id=message_id, **heard.named())] if message_id else []


def _transferred(heard: Heard) -> list[VendorEvent]:
    return [TransferStarted(**heard.named())]


def _left(heard: Heard) -> list[VendorEvent]:
    return [LiveAgentLeft(agent_id=heard.agent_id, agent_name=heard.agent_name, **heard.named())]


def _closed(heard: Heard) -> list[VendorEvent]:
    return [ConversationEnded(ended_by=as_text(heard.data.get("by")), **heard.named())]


def _error(heard: Heard) -> list[VendorEvent]:
    """Nobody there fails a waiting handoff; any other error ends it."""
    code = as_text(heard.data.get("code"))[:64]
    if code == "no_agents":
        return [NoLiveAgents(detail=code, **heard.named())]
    return [ConversationEnded(ended_by="error", **heard.named())]


# The types of the contract, in the order in which a conversation goes through them.
_READERS: Mapping[str, Callable[[Heard], list[VendorEvent]]] = {
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
