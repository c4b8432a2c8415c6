"""Messages both ways: what a body of Genesys's means, and what Genesys is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from integrations.contract.connector import HandoffRequest, OutboundAttachment, OutboundMessage
from integrations.contract.events import (
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.cutting import pieces, utf16_units
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import (
    Json,
    as_count,
    as_moment,
    as_object,
    as_objects,
    as_text,
    iso_moment,
)
from integrations.kit.plain_json import vendor_object
from integrations.kit.transcript import Limits, opening_texts
from integrations.vendors.genesys.mapping.content import DATE_FIELD, content_of

OPENING_PREFIX = "opening:"
_INBOUND, _OUTBOUND = "Inbound", "Outbound"
_BOT = "Bot"
_SPOKEN = ("Text", "Structured")
TYPING_SECONDS = 5.0
TRACE_ATTRIBUTE = "PortalSessionId"
QUEUE_ATTRIBUTE = "QueueName"
# Genesys counts as Java and JavaScript do. 300 requests a minute are allowed to all conversations
# together: hence so few parts.
LIMITS = Limits(size=2000, measure=utf16_units, parts=8)
# A conversation is opened by a message: there is always one.
NOTHING_SAID = "Handed over by the AI agent."
NOBODY_THERE = "The conversation is over: nobody can get the message any more."

_HINTS = ("skills", "department", "priority", "language", "subject", "reason", "note")
_MEDIA = {"image": "Image", "video": "Video", "audio": "Audio"}


# ---- what Genesys says ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A live agent as events name them; `agent_id` is the user's id at Genesys."""

    agent_id: str
    name: str = field(default="", repr=False)


class EventBase(TypedDict):
    """What every event has."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One body as it came, and what we know about it.

    `our_id` is the id we gave to the message of ours that the body is about.
    """

    conversation_id: str
    body: Json = field(repr=False)
    our_id: str = ""

    @property
    def identifier(self) -> str:
        """Return Genesys's id of the message."""
        return as_text(self.body.get("id"))

    @property
    def is_ours(self) -> bool:
        """Say whether it comes from our side, or is about something that did."""
        return self.body.get("direction") == _INBOUND

    @property
    def is_from_live_agent(self) -> bool:
        """Say whether a person at Genesys is the author."""
        return not self.is_ours and self.body.get("originatingEntity") != _BOT

    @property
    def is_spoken(self) -> bool:
        """Say whether it is something to read, not a receipt or an indicator."""
        return self.body.get("type") in _SPOKEN

    @property
    def is_typing(self) -> bool:
        """Say whether it is a typing indicator."""
        return self.body.get("type") == "Event"


def sender_id_of(body: Json) -> str:
    """Return the id that the sender gave to a message."""
    return as_text(as_object(body.get("channel")).get("messageId"))


def occurred_at(body: Json) -> datetime | None:
    """Return when Genesys says it happened."""
    return as_moment(as_object(body.get("channel")).get("time"))


def owner_of(body: Json, integration_id: str) -> str:
    """Return whose it is: the external user id that we made up for the handoff."""
    channel = as_object(body.get("channel"))
    # A receipt about a message of ours may name us as its sender.
    names = (as_text(as_object(channel.get(side)).get("id")) for side in ("to", "from"))
    return next((name for name in names if name and name != integration_id), "")


def events_of(notice: Notice, agent: Agent) -> list[VendorEvent]:
    """Return what a body means; `agent` is whoever speaks if a live agent does."""
    kind = as_text(notice.body.get("type"))
    reader = _READERS.get(kind)
    if reader is None:
        return [UnknownEvent(**_base(notice), name=kind or "untyped")]
    return reader(notice, agent)


def _base(notice: Notice, suffix: str = "") -> EventBase:
    return {
        "vendor_event_id": notice.identifier + suffix,
        "vendor_conversation_id": notice.conversation_id,
        "occurred_at": occurred_at(notice.body) or datetime.now(UTC),
    }


def _read_spoken(notice: Notice, agent: Agent) -> list[VendorEvent]:
    if notice.is_ours:
        return [MessageEchoed(**_base(notice), vendor_message_id=notice.our_id)]
    content, author = (
        content_of(notice.body),
        agent if notice.is_from_live_agent else _bot(notice, agent),
    )
    if not (content.text or content.rich or content.files):
        return []
    said = LiveAgentMessage(
        **_base(notice),
        agent_id=author.agent_id,
        agent_name=author.name,
        text=content.text,
        rich=content.rich,
        files=tuple(content.files),
        by=Author.LIVE_AGENT if notice.is_from_live_agent else Author.VENDOR_BOT,
        vendor_message_id=notice.identifier,
    )
    return [said]


def _bot(notice: Notice, leg: Agent) -> Agent:
    """Name a flow as its messages do: by the integration, in either spelling that was seen."""
    sender = as_object(as_object(notice.body.get("channel")).get("from"))
    name = as_text(sender.get("nickname")) or as_text(sender.get("nickName")) or leg.name
    return Agent(agent_id=as_text(sender.get("id")) or _BOT, name=name)


def _read_typing(notice: Notice, agent: Agent) -> list[VendorEvent]:
    events: list[VendorEvent] = []
    for number, event in enumerate(as_objects(notice.body.get("events"))):
        base = _base(notice, f":{number}" if number else "")
        kind = as_text(event.get("eventType"))
        if kind != "Typing":
            events.append(UnknownEvent(**base, name=f"Event {kind}"))
            continue
        is_typing = as_object(event.get("typing")).get("type") != "Off"
        if notice.is_from_live_agent:
            duration = as_count(as_object(event.get("typing")).get("duration"))
            seconds = duration / 1000 if duration else TYPING_SECONDS
            typing = LiveAgentTyping(**base, agent_id=agent.agent_id, is_typing=is_typing)
            # Genesys never takes an indicator back.
            events.append(replace(typing, seconds=seconds) if is_typing else typing)
    return events


def _read_receipt(notice: Notice, agent: Agent) -> list[VendorEvent]:
    """Read how far a message of ours came; what is about the live agent's own is not for us."""
    status = as_text(notice.body.get("status"))
    base = _base(notice, f":{status}")
    if notice.body.get("direction") == _OUTBOUND:
        return []
    if status == "Delivered":
        return [MessageDelivered(**base, vendor_message_id=notice.our_id)]
    if status == "Read":
        return [MessageRead(**base, vendor_message_id=notice.our_id)]
    if status != "Failed":
        return []
    reasons = _reasons(notice.body)
    if notice.our_id.startswith(OPENING_PREFIX):
        detail = reasons or "Genesys did not take the first message"
        return [NoLiveAgents(**base, detail=detail)]
    return [MessageFailed(**base, vendor_message_id=notice.our_id, reason=reasons)]


def _reasons(body: Json) -> str:
    reasons = as_objects(body.get("reasons"))
    words = (as_text(r.get("message")) or as_text(r.get("code")) for r in reasons)
    return "; ".join(filter(None, words))[:300]


_READERS: Mapping[str, Callable[[Notice, Agent], list[VendorEvent]]] = {
    "Text": _read_spoken,
    "Structured": _read_spoken,
    "Event": _read_typing,
    "Receipt": _read_receipt,
}


# ---- what Genesys is told ----


def sender(external_id: str, nickname: str = "", email: str = "") -> dict[str, str]:
    """Return whom Genesys takes for the author: a made-up person for each handoff."""
    person = {"id": external_id, "idType": "Opaque", "nickname": nickname, "email": email}
    return {name: value for name, value in person.items() if value}


def person_of(request: HandoffRequest) -> dict[str, str]:
    """Return the author of this handoff's messages, by the name that is known."""
    user = identity_of(request)
    return sender(request.handoff_id, user.name or "Guest", user.email)


def opening_bodies(
    request: HandoffRequest, person: Mapping[str, str], queue_attribute: str
) -> list[dict[str, object]]:
    """Return what opens the conversation; its first message carries the attributes."""
    said_at = max((line.sent_at for line in request.transcript), default=datetime.now(UTC))
    bodies: list[dict[str, object]] = []
    for number, text in enumerate(opening_texts(request, LIMITS) or [NOTHING_SAID]):
        moment = said_at + timedelta(milliseconds=number + 1)
        channel = _channel(person, f"{OPENING_PREFIX}{request.handoff_id}:{number}", moment)
        if not bodies:
            attributes = participant_attributes(request, queue_attribute)
            channel["metadata"] = {"customAttributes": attributes}
        bodies.append({"channel": channel, "text": text})
    return bodies


def queue_asked(request: HandoffRequest) -> str:
    """Return the name of the queue that a handoff asks the customer's flow for."""
    routing = request.routing
    return hint_text(routing.get("queue_name") or routing.get("queue"))


def participant_attributes(request: HandoffRequest, queue_attribute: str) -> dict[str, str]:
    """Merge identity, hints, the tool's own attributes and ours; later ones win."""
    routing, user = request.routing, identity_of(request)
    merged: dict[str, object] = {
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "external_id": user.external_id,
        "channel": request.channel,
        "locale": request.locale,
        "ExternalContactId": routing.get("external_contact_id"),
        queue_attribute or QUEUE_ATTRIBUTE: queue_asked(request),
        **{hint: routing.get(hint) for hint in _HINTS},
        **hint_pairs(routing.get("attributes")),
        "handoff_id": request.handoff_id,
        TRACE_ATTRIBUTE: request.conversation_id,
    }
    texts = {name: hint_text(value) for name, value in merged.items()}
    return {name: text for name, text in texts.items() if text}


def message_bodies(
    person: Mapping[str, str], message: OutboundMessage
) -> list[tuple[str, dict[str, object]]]:
    """Return id and body of each part of a text; the last part has the message's own id."""
    texts = list(pieces(message.text, LIMITS.size, LIMITS.measure)) or [message.text]
    names = [f"{message.message_id}.{number}" for number in range(1, len(texts))]
    bodies: list[tuple[str, dict[str, object]]] = []
    for number, (name, text) in enumerate(zip([*names, message.message_id], texts, strict=True)):
        moment = message.sent_at + timedelta(milliseconds=number)
        bodies.append((name, {"channel": _channel(person, name, moment), "text": text}))
    return bodies


def message_id_of(part_id: str) -> str:
    """Return the message that a part of it belongs to."""
    return part_id.partition(".")[0]


def structured_body(
    person: Mapping[str, str], message: OutboundMessage
) -> dict[str, object] | None:
    """Return the answer to a button, a chip or a date; None for what goes as a text."""
    if message.answer is None:
        return None
    token = vendor_object(message.answer.token)
    kind, text = as_text(token.get("type")), as_text(token.get("text")) or message.text
    payload = as_text(token.get("payload")) or message.answer.values.get(DATE_FIELD, "")
    if not (kind and text and payload):
        return None
    return {
        "channel": _channel(person, message.message_id, message.sent_at),
        "buttonResponse": {"type": kind, "text": text, "payload": payload},
        "originatingMessageId": message.answer.vendor_message_id,
    }


def attachment_body(
    person: Mapping[str, str], attachment: OutboundAttachment, *, sent_at: datetime
) -> dict[str, object]:
    """Return an inbound message with a file, which Genesys fetches from our address."""
    file = {
        "id": attachment.attachment_id,
        "mediaType": _MEDIA.get(attachment.mime_type.partition("/")[0].lower(), "File"),
        "url": attachment.public_url,
        "mime": attachment.mime_type,
        "filename": attachment.file_name,
        "sha256": hashlib.sha256(attachment.content).hexdigest(),
    }
    return {
        "channel": _channel(person, attachment.attachment_id, sent_at),
        "content": [{"contentType": "Attachment", "attachment": file}],
    }


def typing_body(person: Mapping[str, str]) -> dict[str, object]:
    """Return the end user's typing indicator."""
    channel = {"from": sender(person["id"]), "time": iso_moment(datetime.now(UTC))}
    return {"channel": channel, "events": [{"eventType": "Typing"}]}


def receipt_body(
    person: Mapping[str, str], message_id: str, *, is_delivered: bool = True
) -> dict[str, object]:
    """Return the confirmation that a message of Genesys's has arrived, or that it cannot any more.

    Of the reasons that Genesys knows, a person who is gone is an invalid destination.
    """
    channel = {"to": sender(person["id"]), "time": iso_moment(datetime.now(UTC))}
    body: dict[str, object] = {"id": message_id, "channel": channel}
    if is_delivered:
        return {**body, "status": "Delivered"}
    reason = {"code": "InvalidDestination", "message": NOBODY_THERE}
    return {**body, "status": "Failed", "reasons": [reason], "isFinalReceipt": True}


def _channel(person: Mapping[str, str], message_id: str, moment: datetime) -> dict[str, object]:
    return {"messageId": message_id, "from": dict(person), "time": iso_moment(moment)}
