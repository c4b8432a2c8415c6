"""What a conversation entry of Salesforce's is, from stream or list, and what it means to us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.conversation_entries.rich import (
    Content,
    content_of,
    has_upload_results,
    upload_error,
)
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_json

MALFORMED = "malformed"
_AGENT_ROLES = ("Agent", "Supervisor")
_END_USER = "EndUser"
_AUTOMATIC_REASONS = ("AutomatedResponse", "Consent")
_ENDING_STATUSES = ("Ended", "Error")
_INACTIVE = "Inactive"
_SYSTEM = "System"
_REASON_LENGTH = 300

# Known, and of no interest to the end user.
_IGNORED_TYPES = frozenset(
    {
        "RoutingWorkResult",
        "SessionOwnerChanged",
        "ProgressIndicator",
        "StreamingToken",
        "EndUserConsentUpdated",
        "ClientAction",
        "ClientMenu",
    }
)


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
        or _type_of(event_name)
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


def _type_of(event_name: str) -> str:
    """Return the type of an entry that does not say it: the stream's event is called after it."""
    words = event_name.removeprefix("CONVERSATION_").split("_")
    return "".join(word.capitalize() for word in words)


def _moment(milliseconds: int) -> datetime:
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


class _Base(TypedDict):
    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


def events_of(entry: Entry) -> list[VendorEvent]:
    """Return what an entry means to us: often nothing, seldom more than one event."""
    if entry.is_internal or entry.entry_type in _IGNORED_TYPES:
        return []
    reader = _READERS.get(entry.entry_type)
    if reader is None:
        return [UnknownEvent(**_base(entry), name=entry.event_name)]
    return reader(entry)


def malformed_event(event_id: str, conversation_id: str) -> UnknownEvent:
    """Stand in for something on the stream that could not be read."""
    return UnknownEvent(
        vendor_event_id=event_id,
        vendor_conversation_id=conversation_id,
        occurred_at=datetime.now(UTC),
        name=MALFORMED,
    )


def _base(entry: Entry, suffix: str = "") -> _Base:
    return {
        "vendor_event_id": entry.identifier + suffix,
        "vendor_conversation_id": entry.conversation_id,
        "occurred_at": _moment(entry.milliseconds),
    }


def _read_message(entry: Entry) -> list[VendorEvent]:
    message = as_object(entry.payload.get("abstractMessage"))
    message_id = _message_id(entry, message)
    if entry.role == _END_USER:
        echo = MessageEchoed(**_base(entry), vendor_message_id=message_id)
        return [echo, *_failed_upload(entry, message)]
    if not message:
        return [UnknownEvent(**_base(entry), name=MALFORMED)]
    content = content_of(message)
    is_automatic = entry.payload.get("messageReason") in _AUTOMATIC_REASONS
    if (is_automatic or entry.role == _SYSTEM) and not (content.rich or content.files):
        return [SystemNotice(**_base(entry), text=content.text)] if content.text else []
    return _message_events(entry, message_id, content)


def _read_updated_message(entry: Entry) -> list[VendorEvent]:
    """Read what a message is now: a file whose upload has finished or failed, or another text."""
    message = as_object(entry.payload.get("updatedMessage"))
    if has_upload_results(message) or entry.role == _END_USER:
        return _failed_upload(entry, message)
    content, message_id = content_of(message), _message_id(entry, message)
    if content.files:
        # Its text came with the message itself.
        return _message_events(entry, message_id, replace(content, text=""))
    if not content:
        return []
    return [
        LiveAgentMessageEdited(
            **_base(entry), vendor_message_id=message_id, text=content.text, rich=content.rich
        )
    ]


def _failed_upload(entry: Entry, message: Json) -> list[VendorEvent]:
    reason = upload_error(message)
    if not reason:
        return []
    message_id = _message_id(entry, message)
    base = _base(entry, ":failed")
    return [MessageFailed(**base, vendor_message_id=message_id, reason=reason)]


def _message_events(entry: Entry, message_id: str, content: Content) -> list[VendorEvent]:
    """Return what a live agent or a bot said: all of it in one event, and none for nothing."""
    if not content:
        return []
    return [
        LiveAgentMessage(
            **_base(entry),
            agent_id=entry.subject,
            agent_name=entry.sender_name,
            text=content.text,
            rich=content.rich,
            files=content.files,
            by=Author.LIVE_AGENT if entry.role in _AGENT_ROLES else Author.VENDOR_BOT,
            vendor_message_id=message_id,
        )
    ]


def _read_delivery_failure(entry: Entry) -> list[VendorEvent]:
    payload = entry.payload
    message_id = as_text(payload.get("failedConversationEntryIdentifier")) or entry.related
    if as_object(payload.get("recipient")).get("role") == _END_USER or not message_id:
        return []
    words = (as_text(payload.get("errorCode")), as_text(payload.get("errorMessage")))
    reason = ": ".join(filter(None, words))[:_REASON_LENGTH]
    return [MessageFailed(**_base(entry), vendor_message_id=message_id, reason=reason)]


def _message_id(entry: Entry, message: Json) -> str:
    return as_text(message.get("id")) or as_text(entry.payload.get("id")) or entry.identifier


def _read_participants(entry: Entry) -> list[VendorEvent]:
    events: list[VendorEvent] = []
    for number, change in enumerate(as_objects(entry.payload.get("entries"))):
        participant = as_object(change.get("participant"))
        # Supervisors look in unseen; bots are not live agents.
        if participant.get("role") != "Agent":
            continue
        base = _base(entry, f":{number}" if number else "")
        agent_id = as_text(participant.get("subject"))
        name = as_text(change.get("displayName")) or _own_name(entry, agent_id)
        if change.get("operation") == "add":
            events.append(LiveAgentJoined(**base, agent_id=agent_id, agent_name=name))
        elif change.get("operation") == "remove":
            events.append(LiveAgentLeft(**base, agent_id=agent_id, agent_name=name))
    return events


def _own_name(entry: Entry, agent_id: str) -> str:
    """Return the name under which an entry came, if it is the live agent's own."""
    return entry.sender_name if entry.subject == agent_id else ""


def _read_routing_result(entry: Entry) -> list[VendorEvent]:
    payload = entry.payload
    kind = as_text(payload.get("routingType"))
    failure = as_text(payload.get("failureType")) or "None"
    if failure != "None":
        return _routing_failure(entry, kind, failure)
    events: list[VendorEvent] = []
    if kind == "Transfer":
        events.append(TransferStarted(**_base(entry)))
    wait = _estimated_wait(payload.get("estimatedWaitTime"))
    if wait is not None:
        suffix = ":wait" if events else ""
        events.append(QueuePositionChanged(**_base(entry, suffix), estimated_wait_seconds=wait))
    return events


def _routing_failure(entry: Entry, kind: str, failure: str) -> list[VendorEvent]:
    reason = as_text(entry.payload.get("cancelReason"))
    # A colleague who could not be reached leaves the conversation with the first live agent.
    if kind == "Conference" or (failure == "Cancelled" and reason == "EndUserEnded"):
        return []
    errors = entry.payload.get("errorMessages")
    texts = [as_text(item) for item in errors] if isinstance(errors, list) else []
    detail = next(filter(None, texts), "") or reason or failure
    return [NoLiveAgents(**_base(entry), detail=detail[:_REASON_LENGTH])]


def _estimated_wait(value: object) -> int | None:
    estimate = as_object(value)
    if estimate.get("isEWTRequested") is not True:
        return None
    return as_count(estimate.get("estimatedWaitTimeInSeconds"))


def _read_queue_position(entry: Entry) -> list[VendorEvent]:
    position = as_count(entry.payload.get("position"))
    if position is None:
        return [UnknownEvent(**_base(entry), name=MALFORMED)]
    return [QueuePositionChanged(**_base(entry), position=position)]


def _read_typing(entry: Entry) -> list[VendorEvent]:
    if entry.role not in _AGENT_ROLES:
        return []
    is_typing = entry.entry_type == "TypingStartedIndicator"
    return [LiveAgentTyping(**_base(entry), agent_id=entry.subject, is_typing=is_typing)]


def _read_acknowledgement(entry: Entry) -> list[VendorEvent]:
    named = as_text(entry.payload.get("acknowledgedConversationEntryIdentifier"))
    message_id = entry.related or named
    # Our own acknowledgements come back too; nobody acknowledges without saying what.
    if entry.role == _END_USER or not message_id:
        return []
    if entry.entry_type == "ReadAcknowledgement":
        return [MessageRead(**_base(entry), vendor_message_id=message_id)]
    return [MessageDelivered(**_base(entry), vendor_message_id=message_id)]


def _read_session_status(entry: Entry) -> list[VendorEvent]:
    """Read how the session stands: an end user who was silent is warned, then it ends."""
    payload = entry.payload
    status, ended_by = payload.get("sessionStatus"), as_text(payload.get("sessionEndedByRole"))
    if status == _INACTIVE:
        return [IdleWarning(**_base(entry))]
    if status not in _ENDING_STATUSES or ended_by == "Supervisor":
        return []
    is_idle = ended_by == _SYSTEM and payload.get("sessionStatusPrev") == _INACTIVE
    cause = "vendor_idle" if is_idle else ""
    return [ConversationEnded(**_base(entry), ended_by=ended_by, cause=cause)]


def _read_close(entry: Entry) -> list[VendorEvent]:
    return [ConversationEnded(**_base(entry), ended_by=_END_USER)]


_READERS: Mapping[str, Callable[[Entry], list[VendorEvent]]] = {
    "Message": _read_message,
    "MessageUpdated": _read_updated_message,
    "MessageDeliveryFailed": _read_delivery_failure,
    "ParticipantChanged": _read_participants,
    "RoutingResult": _read_routing_result,
    "QueuePosition": _read_queue_position,
    "TypingStartedIndicator": _read_typing,
    "TypingStoppedIndicator": _read_typing,
    "DeliveryAcknowledgement": _read_acknowledgement,
    "ReadAcknowledgement": _read_acknowledgement,
    "SessionStatusChanged": _read_session_status,
    "CloseConversation": _read_close,
}
