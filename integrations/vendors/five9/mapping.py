"""Turns what Five9 calls back with into our events, and a handoff into its JSON; pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from integrations.contract.connector import HandoffRequest
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text
from integrations.kit.transcript import (
    Limits,
    newest_lines,
    summary_texts,
    transcript_is_wanted,
)

# Nothing is published about the length of a campaign variable.
HISTORY_SIZE = 10_000
_LIMITS = Limits(size=HISTORY_SIZE, measure=len, parts=1)
# The vendor's two ways to name an event: the end of the path, and `type`.
KINDS: Mapping[str, str] = {
    "agent_message": "message",
    "agent_connected": "accept",
    "agent_joined": "accept",
    "agent_disconnected": "left",
    "conversation_queued": "create",
    "conversation_closed": "terminate",
    "agent_typing": "typing",
    "agent_typing_stop": "typing_stop",
}
_LARGEST_MS = 32_503_680_000_000


class Named(TypedDict):
    """The fields that all events have."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class Received:
    """One callback as it was stored, and who was in the conversation before it."""

    def __init__(self, conversation_id: str, body: Json, agent: str) -> None:
        """Take the stored body of an item."""
        self.kind = as_text(body.get("kind"))
        self.agent = agent
        data = as_object(body.get("data"))
        self.name = as_text(data.get("displayName"))
        self.text = as_text(data.get("text"))
        self.message_id = as_id(data.get("messageId"))
        self.event_id = self.message_id or as_text(body.get("event_id"))
        self.conversation_id = conversation_id
        self.occurred_at = moment_of(data) or as_moment(body.get("received_at"))

    def named(self, suffix: str = "") -> Named:
        """Return the fields that all events have."""
        return {
            "vendor_event_id": f"{self.event_id}{suffix}",
            "vendor_conversation_id": self.conversation_id,
            "occurred_at": self.occurred_at or datetime.now(UTC),
        }


def events_of(received: Received) -> list[VendorEvent]:
    """Return what a callback means."""
    read = _READERS.get(received.kind)
    if read is None:
        return [UnknownEvent(name=received.kind[:60], **received.named())]
    return read(received)


def moment_of(data: Json) -> datetime | None:
    """Read `timestamp`, milliseconds or ISO 8601; within one, `eventSerialNumber` says which
    came first."""
    given, serial = as_id(data.get("timestamp")), as_id(data.get("eventSerialNumber"))
    moment = as_moment(given)
    if given.isdigit() and int(given) < _LARGEST_MS:
        moment = datetime.fromtimestamp(int(given) / 1000, UTC)
    if moment is None or not serial.isdigit():
        return moment
    return moment + timedelta(microseconds=int(serial[-3:]))


def conversation_body(
    request: HandoffRequest, credentials: Mapping[str, str], *, org_id: str, callback_url: str
) -> dict[str, object]:
    """Return the body that opens a conversation."""
    person = identity_of(request)
    body: dict[str, object] = {
        "campaignName": campaign_of(request, credentials),
        "tenantId": int(org_id) if org_id.isdigit() else org_id,
        "externalId": request.handoff_id,
        "type": "WEB",
        "callbackUrl": callback_url,
        "contact": {
            "number1": person.phone,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "email": person.email,
            "socialAccountName": person.name,
        },
        "attributes": _attributes(request, credentials),
    }
    # Words such as `high` have no number at Five9 that anybody has published.
    asked = hint_text(request.routing.get("priority"))
    priority = asked if asked.isdigit() else credentials.get("priority", "")
    return {**body, "priority": int(priority)} if priority.isdigit() else body


def campaign_of(request: HandoffRequest, credentials: Mapping[str, str]) -> str:
    """Return the campaign that the handoff asks for, or the connection's."""
    return hint_text(request.routing.get("campaign_name")) or credentials.get("campaign_name", "")


def _attributes(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, str]:
    saved = json.loads(credentials.get("attributes") or "{}")
    pairs = {**hint_pairs(saved), **hint_pairs(request.routing.get("attributes"))}
    asked = [line.text for line in request.transcript if line.speaker == "end_user"]
    history = summary_texts(request, _LIMITS)
    if transcript_is_wanted(request) and request.transcript:
        history.append(newest_lines(request.transcript, HISTORY_SIZE, len))
    ours = {
        "PortalSessionId": request.conversation_id,
        "Question": asked[-1] if asked and transcript_is_wanted(request) else "",
        "Custom.external_history": "\n".join(history),
    }
    given = {name: hint_text(value) for name, value in pairs.items()}
    return {**given, **{name: value for name, value in ours.items() if value}}


def _queued(_received: Received) -> list[VendorEvent]:
    return []


def _accepted(received: Received) -> list[VendorEvent]:
    """Let who accepts join; who was there before has left."""
    if received.agent and received.agent == received.name:
        return []
    events: list[VendorEvent] = []
    if received.agent:
        events.append(LiveAgentLeft(**_who(received.agent), **received.named(":left")))
    return [*events, LiveAgentJoined(**_who(received.name), **received.named())]


def _message(received: Received) -> list[VendorEvent]:
    """Let a live agent join whom nothing has announced, and say what was written."""
    if not received.text:
        return [UnknownEvent(name="message", **received.named())]
    events: list[VendorEvent] = []
    name = received.name or received.agent
    if name != received.agent:
        joined = LiveAgentJoined(**_who(name), **received.named(":joined"))
        events.append(joined)
    message = LiveAgentMessage(
        text=received.text,
        vendor_message_id=received.message_id,
        agent_id=name,
        agent_name=name,
        **received.named(),
    )
    return [*events, message]


def _typing(received: Received) -> list[VendorEvent]:
    is_typing = received.kind == "typing"
    return [LiveAgentTyping(agent_id=received.agent, is_typing=is_typing, **received.named())]


def _left(received: Received) -> list[VendorEvent]:
    return [LiveAgentLeft(**_who(received.name or received.agent), **received.named())]


def _transferred(received: Received) -> list[VendorEvent]:
    left = _left(received) if received.agent else []
    return [*left, TransferStarted(**received.named(":transfer"))]


def _terminated(received: Received) -> list[VendorEvent]:
    return [ConversationEnded(**received.named())]


def _who(name: str) -> dict[str, str]:
    # `userId` is not confirmed for every event, so the name is what tells live agents apart.
    return {"agent_id": name, "agent_name": name}


_READERS: Mapping[str, Callable[[Received], list[VendorEvent]]] = {
    "create": _queued,
    "accept": _accepted,
    "message": _message,
    "typing": _typing,
    "typing_stop": _typing,
    "left": _left,
    "transfer": _transferred,
    "terminate": _terminated,
}
