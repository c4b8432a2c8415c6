"""What Genesys is told: who speaks, what opens a conversation, messages, typing and receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import HandoffRequest, OutboundAttachment, OutboundMessage
from integrations.kit.cutting import pieces, utf16_units
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import as_text, iso_moment
from integrations.kit.plain_json import vendor_object
from integrations.kit.transcript import Limits, opening_texts
from integrations.vendors.genesys.mapping.content import DATE_FIELD
from integrations.vendors.genesys.mapping.events import OPENING_PREFIX

TRACE_ATTRIBUTE = "PortalSessionId"
QUEUE_ATTRIBUTE = "QueueName"
# Genesys counts as Java and JavaScript do. 300 requests a minute are allowed to all conversations
# together: hence so few parts.
LIMITS = Limits(size=2000, measure=utf16_units, parts=8)
# A conversation is opened by a message: there is always one.
NOTHING_SAID = "Handed over by the AI agent."
NOBODY_THERE = "The conversation is over: nobody can get the message any more."

_HINTS = ("skills", "department", "priority", "language", "subject", "reason")
_MEDIA = {"image": "Image", "video": "Video", "audio": "Audio"}


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
        queue_attribute or QUEUE_ATTRIBUTE: routing.get("queue_name") or routing.get("queue"),
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
