"""What a conversation entry of Salesforce's means in our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageRead,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.vendors.salesforce_messaging.mapping.entry import Entry, message_text, moment

MALFORMED = "malformed"
_AGENT_ROLES = ("Agent", "Supervisor")
_END_USER = "EndUser"
_AUTOMATIC_REASONS = ("AutomatedResponse", "Consent")
_ENDING_STATUSES = ("Ended", "Error")

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
        "occurred_at": moment(entry.milliseconds),
    }


def _read_message(entry: Entry) -> list[VendorEvent]:
    message = as_object(entry.payload.get("abstractMessage"))
    if entry.role == _END_USER:
        return [MessageEchoed(**_base(entry), vendor_message_id=_message_id(entry, message))]
    if not message:
        return [UnknownEvent(**_base(entry), name=MALFORMED)]
    is_automatic = entry.payload.get("messageReason") in _AUTOMATIC_REASONS
    if is_automatic or entry.role not in _AGENT_ROLES:
        return [SystemNotice(**_base(entry), text=message_text(message))]
    return _agent_events(entry, message)


def _read_updated_message(entry: Entry) -> list[VendorEvent]:
    """Show an updated message of a live agent's: a file whose upload has finished."""
    message = as_object(entry.payload.get("updatedMessage"))
    if entry.role not in _AGENT_ROLES or not _files(message):
        return []
    return _agent_events(entry, message)


def _agent_events(entry: Entry, message: Mapping[str, object]) -> list[VendorEvent]:
    """Return what a live agent said: a text, and each file that can be fetched by itself."""
    files = _files(message)
    content = as_object(message.get("staticContent"))
    text = as_text(content.get("text")) if files else message_text(message)
    events: list[VendorEvent] = [_agent_message(entry, text)] if text else []
    first = len(events)
    return events + [_agent_file(entry, file, number) for number, file in enumerate(files, first)]


def _files(message: Mapping[str, object]) -> list[Json]:
    content = as_object(message.get("staticContent"))
    return [file for file in as_objects(content.get("attachments")) if as_text(file.get("url"))]


def _agent_message(entry: Entry, text: str) -> LiveAgentMessage:
    return LiveAgentMessage(
        **_base(entry), agent_id=entry.subject, agent_name=entry.sender_name, text=text
    )


def _agent_file(entry: Entry, file: Json, number: int) -> LiveAgentAttachment:
    return LiveAgentAttachment(
        **_base(entry, f":{number}" if number else ""),
        agent_id=entry.subject,
        agent_name=entry.sender_name,
        file_name=as_text(file.get("name")) or "file",
        mime_type=as_text(file.get("mimeType")) or "application/octet-stream",
        url=as_text(file.get("url")),
    )


def _message_id(entry: Entry, message: Mapping[str, object]) -> str:
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
        name = as_text(change.get("displayName"))
        if change.get("operation") == "add":
            events.append(LiveAgentJoined(**base, agent_id=agent_id, agent_name=name))
        elif change.get("operation") == "remove":
            events.append(LiveAgentLeft(**base, agent_id=agent_id, agent_name=name))
    return events


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
    return [NoLiveAgents(**_base(entry), detail=detail[:300])]


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
    ended_by = as_text(entry.payload.get("sessionEndedByRole"))
    status = entry.payload.get("sessionStatus")
    if status not in _ENDING_STATUSES or ended_by == "Supervisor":
        return []
    return [ConversationEnded(**_base(entry), ended_by=ended_by)]


def _read_close(entry: Entry) -> list[VendorEvent]:
    return [ConversationEnded(**_base(entry), ended_by=_END_USER)]


_READERS: Mapping[str, Callable[[Entry], list[VendorEvent]]] = {
    "Message": _read_message,
    "MessageUpdated": _read_updated_message,
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
