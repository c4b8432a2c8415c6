"""What Genesys is told when a handoff starts: who, with which attributes, and what was said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import EndUserIdentity, HandoffRequest, OutboundAttachment
from integrations.vendors.genesys.mapping.events import OPENING_PREFIX
from integrations.vendors.genesys.mapping.json import Json, written_moment
from integrations.vendors.genesys.mapping.text import MAX_TEXT_UNITS, pieces, units

TRACE_ATTRIBUTE = "PortalSessionId"
QUEUE_ATTRIBUTE = "QueueName"
# 300 requests a minute are allowed to all conversations together.
MAX_TRANSCRIPT_PARTS = 8
_BLOCK_UNITS = MAX_TEXT_UNITS - 100  # the heading needs room

_HINTS = ("skills", "department", "priority", "language", "subject", "reason")
_SPEAKERS = {"end_user": "End user", "ai_agent": "AI agent", "live_agent": "Live agent"}
_MEDIA = {"image": "Image", "video": "Video", "audio": "Audio"}


def sender(external_id: str, nickname: str = "", email: str = "") -> dict[str, str]:
    """Return whom Genesys takes for the author: a made-up person for each handoff."""
    person = {"id": external_id, "idType": "Opaque"}
    if nickname:
        person["nickname"] = nickname
    if email:
        person["email"] = email
    return person


def message_body(
    person: Mapping[str, str], *, message_id: str, text: str, sent_at: datetime
) -> dict[str, object]:
    """Return an inbound text message."""
    return {"channel": _channel(person, message_id, sent_at), "text": text}


def attachment_body(
    person: Mapping[str, str], attachment: OutboundAttachment, *, sent_at: datetime
) -> dict[str, object]:
    """Return an inbound message with a file, which Genesys fetches from our address."""
    media = _MEDIA.get(attachment.mime_type.partition("/")[0].lower(), "File")
    file = {
        "id": attachment.attachment_id,
        "mediaType": media,
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
    channel = {"from": _name_only(person), "time": written_moment(datetime.now(UTC))}
    return {"channel": channel, "events": [{"eventType": "Typing"}]}


def receipt_body(external_id: str, message_id: str) -> dict[str, object]:
    """Return the confirmation that a message of Genesys's has arrived."""
    to = {"id": external_id, "idType": "Opaque"}
    return {
        "id": message_id,
        "channel": {"to": to, "time": written_moment(datetime.now(UTC))},
        "status": "Delivered",
    }


def person_of(request: HandoffRequest) -> dict[str, str]:
    """Return the author of this handoff's messages, by the name that is known."""
    name, email = _identity(request.end_user, request.routing)
    return sender(request.handoff_id, name or "Guest", email)


def opening_bodies(
    request: HandoffRequest, person: Mapping[str, str], queue_attribute: str
) -> list[dict[str, object]]:
    """Return what opens the conversation; its first message carries the attributes."""
    said_at = max((line.sent_at for line in request.transcript), default=datetime.now(UTC))
    bodies: list[dict[str, object]] = []
    for number, text in enumerate(opening_texts(request)):
        moment = said_at + timedelta(milliseconds=number + 1)
        channel = _channel(person, f"{OPENING_PREFIX}{request.handoff_id}:{number}", moment)
        if not bodies:
            attributes = participant_attributes(request, queue_attribute)
            channel["metadata"] = {"customAttributes": attributes}
        bodies.append({"channel": channel, "text": text})
    return bodies


def opening_texts(request: HandoffRequest) -> list[str]:
    """Return summary and transcript in parts that fit; never nothing, for that opens nothing."""
    mode = request.routing.get("transcript") or "full"
    summary = request.routing.get("summary")
    texts: list[str] = []
    if isinstance(summary, str) and summary.strip() and mode != "none":
        texts += pieces(f"Summary of the conversation so far\n{summary.strip()}")
    if mode == "full":
        texts += _transcript_parts(request)
    return texts or ["Handed over by the AI agent."]


def participant_attributes(request: HandoffRequest, queue_attribute: str) -> dict[str, str]:
    """Merge identity, hints, the tool's own attributes and ours; later ones win."""
    routing = request.routing
    name, email = _identity(request.end_user, routing)
    user = request.end_user
    merged = {
        "name": name,
        "email": email,
        "phone": user.phone if user.is_verified else routing.get("user_phone"),
        "external_id": user.external_id if user.is_verified else routing.get("user_external_id"),
        "channel": request.channel,
        "locale": request.locale,
        "ExternalContactId": routing.get("external_contact_id"),
        queue_attribute or QUEUE_ATTRIBUTE: routing.get("queue_name") or routing.get("queue"),
    }
    merged |= {hint: routing.get(hint) for hint in _HINTS}
    given = routing.get("attributes")
    merged |= given if isinstance(given, Mapping) else {}
    merged |= {"handoff_id": request.handoff_id, TRACE_ATTRIBUTE: request.conversation_id}
    return {
        str(key): _written(value) for key, value in merged.items() if value not in (None, "", [])
    }


def _channel(person: Mapping[str, str], message_id: str, moment: datetime) -> dict[str, object]:
    return {"messageId": message_id, "from": dict(person), "time": written_moment(moment)}


def _name_only(person: Mapping[str, str]) -> Json:
    return {"id": person["id"], "idType": person["idType"]}


def _identity(user: EndUserIdentity, routing: Mapping[str, object]) -> tuple[str, str]:
    """Give name and e-mail: vouched for, or given by the tool; never what a visitor claims."""
    name, email = routing.get("user_display_name"), routing.get("user_email")
    if user.is_verified:
        name, email = user.name or name, user.email or email
    return str(name or "").strip(), str(email or "").strip()


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _transcript_parts(request: HandoffRequest) -> list[str]:
    blocks: list[str] = []
    for line in request.transcript:
        at = line.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        speaker = _SPEAKERS.get(line.speaker, line.speaker.capitalize())
        for piece in pieces(f"[{at}] {speaker}: {line.text}", _BLOCK_UNITS):
            if blocks and units(blocks[-1]) + units(piece) < _BLOCK_UNITS:
                blocks[-1] += f"\n{piece}"
            else:
                blocks.append(piece)
    return _titled(blocks)


def _titled(blocks: list[str]) -> list[str]:
    left_out = len(blocks) - MAX_TRANSCRIPT_PARTS
    if left_out > 0:
        blocks = blocks[left_out:]
        blocks[0] = f"(Earlier lines are left out.)\n{blocks[0]}"
    count = len(blocks)
    title = "Transcript of the conversation with the AI agent"
    return [
        f"{title}{f', part {number} of {count}' if count > 1 else ''}\n{block}"
        for number, block in enumerate(blocks, start=1)
    ]
