"""What the other side is told in its JSON, and what it answers."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.contract.connector import (
    Availability,
    EndUserIdentity,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TranscriptLine,
)
from integrations.contract.rich_content import Answer
from integrations.kit.json_values import Json, as_count, iso_moment
from integrations.kit.transcript import transcript_is_wanted

# Hints that chose this connection; the other side has no use for them.
_OURS = frozenset({"connector", "credential_set"})
_MAX_SECONDS = 7 * 24 * 3600


def availability_of(answer: Json) -> Availability:
    """Read the answer to an availability call; without `available` nothing is known."""
    available = answer.get("available")
    return Availability(
        is_available=available if isinstance(available, bool) else None,
        position=few(answer.get("position")),
        estimated_wait_seconds=few(answer.get("estimated_wait_seconds")),
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
        "transcript_url": request.transcript_url,
        "callback_url": request.webhook_url,
    }


def message_body(message: OutboundMessage) -> dict[str, object]:
    """Return the body of a text message, or of an answer to what a message offered."""
    body: dict[str, object] = {
        "message_id": message.message_id,
        "text": message.text,
        "sent_at": iso_moment(message.sent_at),
        "attachments": [],
    }
    return body | ({"answer": _answer(message.answer)} if message.answer else {})


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


def _answer(answer: Answer) -> dict[str, object]:
    values: dict[str, object] = {"values": dict(answer.values)} if answer.values else {}
    return {
        "message_id": answer.vendor_message_id,
        "id": answer.token,
        "label": answer.label,
        **values,
    }


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


def few(value: object) -> int | None:
    """Read a place in the queue, or seconds; more than a week of them is nonsense."""
    count = as_count(value)
    return None if count is None or count > _MAX_SECONDS else count
