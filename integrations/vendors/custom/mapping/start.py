"""What the other side is told: of a new handoff, of messages and of files; pure functions."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.contract.connector import (
    EndUserIdentity,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TranscriptLine,
)

# Hints that chose this connection; the other side has no use for them.
_OURS = frozenset({"connector", "credential_set"})


def handoff_body(request: HandoffRequest) -> dict[str, object]:
    """Return the body that opens a handoff."""
    is_full = request.routing.get("transcript", "full") == "full"
    return {
        "handoff_id": request.handoff_id,
        "conversation": {
            "id": request.conversation_id,
            "channel": request.channel,
            "locale": request.locale,
        },
        "user": _user(request.end_user),
        "hints": {name: value for name, value in request.routing.items() if name not in _OURS},
        "transcript": [_line(line) for line in request.transcript] if is_full else [],
        "callback_url": request.webhook_url,
    }


def message_body(message: OutboundMessage) -> dict[str, object]:
    """Return the body of a text message."""
    return {
        "message_id": message.message_id,
        "text": message.text,
        "sent_at": written_moment(message.sent_at),
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
        "sent_at": written_moment(datetime.now(UTC)),
        "attachments": [file],
    }


def queue_of(request: HandoffRequest) -> str:
    """Return the queue that the handoff asks for, or nothing."""
    queue = request.routing.get("queue")
    return queue if isinstance(queue, str) else ""


def written_moment(moment: datetime) -> str:
    """Write a time in ISO 8601 with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        "sent_at": written_moment(line.sent_at),
    }
