"""Reads Salesforce's conversation entries, from stream or list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.kit.plain_json import vendor_json

# Stream event to the entry type it carries, for entries that do not name their type.
_TYPE_BY_EVENT = {
    "CONVERSATION_MESSAGE": "Message",
    "CONVERSATION_PARTICIPANT_CHANGED": "ParticipantChanged",
    "CONVERSATION_ROUTING_RESULT": "RoutingResult",
    "CONVERSATION_ROUTING_WORK_RESULT": "RoutingWorkResult",
    "CONVERSATION_TYPING_STARTED_INDICATOR": "TypingStartedIndicator",
    "CONVERSATION_TYPING_STOPPED_INDICATOR": "TypingStoppedIndicator",
    "CONVERSATION_DELIVERY_ACKNOWLEDGEMENT": "DeliveryAcknowledgement",
    "CONVERSATION_READ_ACKNOWLEDGEMENT": "ReadAcknowledgement",
    "CONVERSATION_SESSION_STATUS_CHANGED": "SessionStatusChanged",
    "CONVERSATION_CLOSE_CONVERSATION": "CloseConversation",
    "CONVERSATION_QUEUE_POSITION": "QueuePosition",
    "CONVERSATION_PROGRESS_INDICATOR": "ProgressIndicator",
    "CONVERSATION_STREAMING_TOKEN": "StreamingToken",
    "CONVERSATION_END_USER_CONSENT_UPDATED": "EndUserConsentUpdated",
    "CONVERSATION_CLIENT_ACTION": "ClientAction",
    "CONVERSATION_CLIENT_MENU": "ClientMenu",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One conversation entry, whichever way it came; `milliseconds` is the server's clock."""

    identifier: str
    conversation_id: str
    entry_type: str
    event_name: str
    role: str
    subject: str = field(repr=False)
    sender_name: str = field(repr=False)
    payload: Json = field(repr=False)
    related: str
    milliseconds: int
    is_internal: bool


def entry_from_stream(event_name: str, data: str, fallback_id: str) -> Entry | None:
    """Read one stream event; None when it is no entry at all."""
    try:
        envelope = vendor_json(data)
    except ValueError:
        return None
    if not isinstance(envelope, Mapping):
        return None
    return entry_from_json(
        as_object(envelope.get("conversationEntry")),
        conversation_id=as_text(envelope.get("conversationId")),
        event_name=event_name,
        fallback_id=fallback_id,
    )


def entry_from_json(
    entry: Json, *, conversation_id: str, event_name: str = "", fallback_id: str = ""
) -> Entry | None:
    """Read one entry of the list or of an envelope; its payload may be an object or JSON text."""
    payload = _payload(entry.get("entryPayload"))
    entry_type = (
        as_text(entry.get("entryType"))
        or as_text((payload or {}).get("entryType"))
        or _TYPE_BY_EVENT.get(event_name, "")
    )
    if payload is None or not (entry_type or event_name):
        return None
    sender = as_object(entry.get("sender"))
    related = entry.get("relatedRecords")
    return Entry(
        identifier=as_text(entry.get("identifier")) or as_text(payload.get("id")) or fallback_id,
        conversation_id=conversation_id,
        entry_type=entry_type,
        event_name=event_name or entry_type,
        role=as_text(sender.get("role")),
        subject=as_text(sender.get("subject")),
        sender_name=as_text(entry.get("senderDisplayName")),
        payload=payload,
        related=as_text(related[0]) if isinstance(related, list) and related else "",
        milliseconds=_milliseconds(entry),
        is_internal=entry.get("visibilityStrategy") == "Internal",
    )


def moment(milliseconds: int) -> datetime:
    """Return a time of Salesforce's as ours; now, where it said none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else datetime.now(UTC)


def _payload(value: object) -> Json | None:
    """Read entryPayload: JSON text on the stream, an object in lists, sometimes nothing."""
    if isinstance(value, str) and value:
        try:
            value = vendor_json(value)
        except ValueError:
            return None
    if value is None or value == "":
        return {}
    return value if isinstance(value, Mapping) else None


def _milliseconds(entry: Json) -> int:
    for key in ("transcriptedTimestamp", "clientTimestamp"):
        if value := as_count(entry.get(key)):
            return value
    return 0
