"""Reads one item of a chat, from the participant's socket or from the transcript."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.kit.json_values import Json, as_moment, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_json

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."
MESSAGE = "MESSAGE"
ATTACHMENT = "ATTACHMENT"
EVENT = "EVENT"
CHAT_ENDED = "chat.ended"
AUTO_DISCONNECTED = "participant.autodisconnection"
APPROVED, REJECTED = "APPROVED", "REJECTED"
# What the instance's message processing says of a message that it does not let through.
KEPT_BACK = (REJECTED, "FAILED")

# The transcript's spelling of what the socket calls by content type.
_EVENT_BY_TYPE = {
    "TYPING": "typing",
    "PARTICIPANT_JOINED": "participant.joined",
    "PARTICIPANT_LEFT": "participant.left",
    "CHAT_ENDED": CHAT_ENDED,
    "TRANSFER_SUCCEEDED": "transfer.succeeded",
    "TRANSFER_FAILED": "transfer.failed",
    "CONNECTION_ACK": "connection.acknowledged",
    "MESSAGE_DELIVERED": "message.delivered",
    "MESSAGE_READ": "message.read",
    "MESSAGEMETADATA": "message.metadata",
}
# What the vendor calls its own flows; no name that anybody gave.
_NO_NAME = "SYSTEM_MESSAGE"
_STORED_EVENTS = frozenset(
    {
        "participant.joined",
        "participant.left",
        "transfer.succeeded",
        "transfer.failed",
        CHAT_ENDED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that happened in a chat; `event` is the short name of an event, else empty."""

    identifier: str
    kind: str
    event: str
    content_type: str
    content: str = field(repr=False)
    participant_id: str
    role: str
    display_name: str = field(repr=False)
    contact_id: str
    at: datetime
    attachments: tuple[Json, ...] = field(default=(), repr=False)
    metadata: Json = field(default_factory=dict, repr=False)
    # Of an earlier chat that this one continues.
    is_past: bool = False

    @property
    def is_stored(self) -> bool:
        """Say whether the transcript keeps it, so that a catch-up may start from it."""
        return not self.event or self.event in _STORED_EVENTS

    @property
    def is_judged(self) -> bool:
        """Say whether the vendor's scanner has seen all of its files."""
        return all(a.get("Status") in (APPROVED, REJECTED) for a in self.attachments)


def item_from_text(text: object) -> Item | None:
    """Read an item written as JSON text, as it comes in a frame; None when it is none."""
    try:
        value = vendor_json(text) if isinstance(text, str) else text
    except ValueError:
        return None
    return item_from_json(value) if isinstance(value, Mapping) else None


def item_from_json(value: Json) -> Item | None:
    """Read an item; None when it names neither a type nor a content type."""
    kind, content_type = as_text(value.get("Type")), as_text(value.get("ContentType"))
    if not kind and not content_type:
        return None
    event = _event_name(kind, content_type)
    return Item(
        identifier=as_text(value.get("Id")) or _digest(value),
        kind=EVENT if event else kind,
        event=event,
        content_type=content_type,
        content=as_text(value.get("Content")),
        participant_id=as_text(value.get("ParticipantId")),
        role=as_text(value.get("ParticipantRole")),
        display_name=_name(value),
        contact_id=as_text(value.get("ContactId")),
        at=moment(value.get("AbsoluteTime")),
        attachments=tuple(as_objects(value.get("Attachments"))),
        metadata=as_object(value.get("MessageMetadata")),
        is_past=bool(as_text(value.get("RelatedContactId"))),
    )


def _name(value: Json) -> str:
    name = as_text(value.get("DisplayName")).strip()
    return "" if name == _NO_NAME else name


def moment(value: object) -> datetime:
    """Read a time of AWS's; now when it cannot be read."""
    return as_moment(value) or datetime.now(UTC)


def _event_name(kind: str, content_type: str) -> str:
    if content_type.startswith(EVENT_PREFIX):
        return content_type.removeprefix(EVENT_PREFIX)
    return _EVENT_BY_TYPE.get(kind) or (content_type or "unnamed" if kind == EVENT else "")


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return f"item:{hashlib.sha256(text.encode('utf-8', errors='replace')).hexdigest()[:24]}"
