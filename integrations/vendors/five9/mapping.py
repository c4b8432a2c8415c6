"""Turns what Five9 calls back with into our events, and a handoff into its JSON; pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
from integrations.kit.json_values import (
    Json,
    as_count,
    as_id,
    as_moment,
    as_object,
    as_text,
    count_read,
)
from integrations.kit.transcript import (
    Limits,
    newest_lines,
    summary_texts,
    transcript_is_wanted,
)

# Nothing is published about the length of a campaign variable.
HISTORY_SIZE = 10_000
# Hints that Five9 has no field for; the campaign may read them.
_HINTS = ("queue", "skills", "department", "language", "subject", "reason", "note")
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
# A path tells that somebody types, never that they have stopped.
TYPING_SECONDS = 5.0
# Of one whom Five9 does not name there is one at a time.
NAMELESS = "live_agent"


class Named(TypedDict):
    """The fields that all events have."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class Who(TypedDict):
    """Which live agent."""

    agent_id: str
    agent_name: str


class Received:
    """One callback as it was stored, and who was in the conversation before it."""

    def __init__(self, conversation_id: str, body: Json, state: Json) -> None:
        """Take the stored body of an item, and the state of the session before it."""
        self.kind = as_text(body.get("kind"))
        self.agent_id, self.agent = as_text(state.get("agent_id")), as_text(state.get("agent"))
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
    if (milliseconds := as_count(count_read(given))) is not None:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if moment is None or (count := count_read(serial)) is None:
        return moment
    return moment + timedelta(microseconds=count % 1000)


def conversation_body(
    request: HandoffRequest, credentials: Mapping[str, str], *, org_id: str, callback_url: str
) -> dict[str, object]:
    """Return the body that opens a conversation."""
    person = identity_of(request)
    body: dict[str, object] = {
        "campaignName": campaign_of(request, credentials),
        "tenantId": org_id if (number := count_read(org_id)) is None else number,
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
    priority = count_read(hint_text(request.routing.get("priority")))
    if priority is None:
        priority = count_read(credentials.get("priority", ""))
    return body if priority is None else {**body, "priority": priority}


def campaign_of(request: HandoffRequest, credentials: Mapping[str, str]) -> str:
    """Return the campaign that the handoff asks for, or the connection's."""
    return hint_text(request.routing.get("campaign_name")) or credentials.get("campaign_name", "")


def profile_of(rows: Sequence[Json], campaign: str) -> Json | None:
    """Return what Five9 tells of a campaign, among those that it tells of."""
    return next((row for row in rows if row.get("profileName") == campaign), None)


def _attributes(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, str]:
    saved = json.loads(credentials.get("attributes") or "{}")
    pairs = {**hint_pairs(saved), **hint_pairs(request.routing.get("attributes"))}
    asked = [line.text for line in request.transcript if line.speaker == "end_user"]
    history = summary_texts(request, _LIMITS)
    if transcript_is_wanted(request) and request.transcript:
        link = request.transcript_url
        history.append(newest_lines(request.transcript, HISTORY_SIZE, len, link))
    ours = {
        "PortalSessionId": request.conversation_id,
        "external_id": identity_of(request).external_id,
        "Question": asked[-1] if asked and transcript_is_wanted(request) else "",
        "Custom.external_history": "\n".join(history),
    }
    hints = {name: request.routing.get(name) for name in _HINTS}
    if count_read(asked_priority := hint_text(request.routing.get("priority"))) is None:
        hints["priority"] = asked_priority
    given = {name: hint_text(value) for name, value in {**hints, **pairs}.items()}
    return {name: value for name, value in {**given, **ours}.items() if value}


def _queued(_received: Received) -> list[VendorEvent]:
    return []


def _accepted(received: Received) -> list[VendorEvent]:
    """Let who accepts join; who was there before has left, unless nobody can tell them apart."""
    if not received.agent_id:
        return [LiveAgentJoined(**_coming(received), **received.named())]
    if not received.name or received.name == received.agent:
        return []
    if not received.agent:
        return [_named_now(received)]
    left = LiveAgentLeft(**_present(received), **received.named(":left"))
    return [left, LiveAgentJoined(**_coming(received), **received.named())]


def _message(received: Received) -> list[VendorEvent]:
    """Let a live agent join whom nothing has announced, and say what was written."""
    if not received.text:
        return [UnknownEvent(name="message", **received.named())]
    events: list[VendorEvent] = []
    who = _present(received)
    if received.agent_id and not received.agent and received.name:
        events.append(_named_now(received))
        who = {"agent_id": received.agent_id, "agent_name": received.name}
    elif not received.agent_id or received.name not in ("", received.agent):
        who = _coming(received)
        events.append(LiveAgentJoined(**who, **received.named(":joined")))
    message = LiveAgentMessage(
        text=received.text,
        vendor_message_id=received.message_id,
        **who,
        **received.named(),
    )
    return [*events, message]


def _named_now(received: Received) -> LiveAgentJoined:
    """Tell the name of one who has come without."""
    who: Who = {"agent_id": received.agent_id, "agent_name": received.name}
    return LiveAgentJoined(**who, **received.named(":named"))


def _typing(received: Received) -> list[VendorEvent]:
    is_typing = received.kind == "typing"
    return [
        LiveAgentTyping(
            agent_id=received.agent_id,
            is_typing=is_typing,
            seconds=TYPING_SECONDS if is_typing else None,
            **received.named(),
        )
    ]


def _left(received: Received) -> list[VendorEvent]:
    """Let go whom the call names, else who is there."""
    is_present = received.name in ("", received.agent) or not received.agent
    who = _present(received) if is_present else _coming(received)
    return [LiveAgentLeft(**who, **received.named())] if who["agent_id"] else []


def _transferred(received: Received) -> list[VendorEvent]:
    return [*_left(received), TransferStarted(**received.named(":transfer"))]


def _terminated(received: Received) -> list[VendorEvent]:
    return [ConversationEnded(**received.named())]


def _present(received: Received) -> Who:
    return {"agent_id": received.agent_id, "agent_name": received.agent}


def _coming(received: Received) -> Who:
    # `userId` is not confirmed for every event, so the name is what tells live agents apart.
    return {"agent_id": received.name or NAMELESS, "agent_name": received.name}


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
