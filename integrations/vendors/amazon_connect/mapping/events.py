"""One item of an Amazon Connect chat, and what it means in our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author, VendorFile
from integrations.kit.json_values import (
    Json,
    as_moment,
    as_object,
    as_objects,
    as_text,
    json_digest,
)
from integrations.kit.plain_json import vendor_json
from integrations.vendors.amazon_connect.mapping.messages import Said, read_message

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
MALFORMED = "malformed"
ATTACHMENT_URL = "amazon-connect-attachment:"
_AGENT = "AGENT"
# How long an indicator is valid, by the official client: there is no word for its end.
TYPING_SECONDS = 10.0
AGENT_ROLES = (_AGENT, "SUPERVISOR")
_CUSTOMER = "CUSTOMER"
SCANNER = "the instance's scanner refused the file"
# Known, and of no interest to the end user.
_IGNORED_EVENTS = frozenset(
    {
        "connection.acknowledged",
        "participant.active",
        "participant.inactive",
        "participant.invited",
        "participant.returned",
        AUTO_DISCONNECTED,
        "participant.displayname.updated",
        "transfer.failed",
        "chat.rehydrated",
        "workflow.cancelled",
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
        identifier=as_text(value.get("Id")) or f"item:{json_digest(value)[:24]}",
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


class _Base(TypedDict):
    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class ItemReader:
    """Reads the items of one vendor conversation as one of its participants."""

    def __init__(self, *, conversation_id: str, participant_id: str) -> None:
        """Take the first contact's id, which all events carry, and who we are."""
        self._conversation_id = conversation_id
        self._participant_id = participant_id

    def events_of(self, item: Item) -> list[VendorEvent]:
        """Return what an item means to us: often nothing, seldom more than one event."""
        if item.event:
            return self._read_event(item)
        if item.kind == ATTACHMENT:
            return self._read_attachments(item)
        if item.kind == MESSAGE:
            return self._read_message(item)
        return [UnknownEvent(**self._base(item), name=item.kind or MALFORMED)]

    def malformed(self, event_id: str) -> UnknownEvent:
        """Stand in for a frame that could not be read."""
        return UnknownEvent(
            vendor_event_id=event_id,
            vendor_conversation_id=self._conversation_id,
            occurred_at=datetime.now(UTC),
            name=MALFORMED,
        )

    def is_own(self, item: Item) -> bool:
        """Say whether an item is the end user's: every participant receives everything."""
        return item.participant_id == self._participant_id or item.role == _CUSTOMER

    def _base(self, item: Item) -> _Base:
        return {
            "vendor_event_id": item.identifier,
            "vendor_conversation_id": self._conversation_id,
            "occurred_at": item.at,
        }

    def _read_message(self, item: Item) -> list[VendorEvent]:
        if self.is_own(item):
            return self._read_own(item, item.identifier)
        said = read_message(item.content_type, item.content)
        return [self._message(item, said)] if said else []

    def _read_own(self, item: Item, message_id: str) -> list[VendorEvent]:
        """Read a message of the end user's, which the instance may keep back after all."""
        if failed := self._kept_back(item, message_id):
            return failed
        echo = MessageEchoed(**self._base(item), vendor_message_id=message_id)
        return [echo, *self._receipts(item, message_id)]

    def _message(
        self, item: Item, said: Said, files: tuple[VendorFile, ...] = ()
    ) -> LiveAgentMessage:
        return LiveAgentMessage(
            **self._base(item),
            agent_id=item.participant_id,
            agent_name=item.display_name,
            text=said.text,
            markup=said.markup,
            rich=said.rich,
            files=files,
            by=Author.LIVE_AGENT if item.role in AGENT_ROLES else Author.VENDOR_BOT,
            vendor_message_id=item.identifier,
        )

    def _read_attachments(self, item: Item) -> list[VendorEvent]:
        if self.is_own(item):
            return [event for file in item.attachments for event in self._own_file(item, file)]
        if not item.is_judged:
            return []
        files = tuple(map(_file, item.attachments))
        shown = tuple(f for f, a in zip(files, item.attachments, strict=True) if _is_good(a))
        return [self._message(item, Said(), shown)] if shown else []

    def _own_file(self, item: Item, attachment: Json) -> list[VendorEvent]:
        """Read what became of a file of the end user's once the scanner has seen it."""
        file_id = as_text(attachment.get("AttachmentId"))
        if attachment.get("Status") == APPROVED:
            base = self._of(item, file_id, "taken")
            return [MessageEchoed(**base, vendor_message_id=file_id)]
        if attachment.get("Status") == REJECTED:
            base = self._of(item, file_id, "refused")
            return [MessageFailed(**base, vendor_message_id=file_id, reason=SCANNER)]
        return []

    def _read_event(self, item: Item) -> list[VendorEvent]:
        if item.event in _IGNORED_EVENTS or item.event.startswith("authentication."):
            return []
        reader = _EVENT_READERS.get(item.event)
        if reader is None:
            return [UnknownEvent(**self._base(item), name=item.event)]
        return reader(self, item)

    def _read_joined(self, item: Item) -> list[VendorEvent]:
        # Supervisors look in unseen; bots are not live agents.
        if item.role != _AGENT:
            return []
        return [
            LiveAgentJoined(
                **self._base(item), agent_id=item.participant_id, agent_name=item.display_name
            )
        ]

    def _read_left(self, item: Item) -> list[VendorEvent]:
        # A supervisor who wrote has become a live agent to the end user.
        if item.role not in AGENT_ROLES:
            return []
        return [
            LiveAgentLeft(
                **self._base(item), agent_id=item.participant_id, agent_name=item.display_name
            )
        ]

    def _read_typing(self, item: Item) -> list[VendorEvent]:
        if item.role not in AGENT_ROLES or self.is_own(item):
            return []
        base = self._base(item)
        return [
            LiveAgentTyping(
                **base, agent_id=item.participant_id, is_typing=True, seconds=TYPING_SECONDS
            )
        ]

    def _read_idle(self, item: Item) -> list[VendorEvent]:
        """Read a timer; that a live agent is silent for long is no matter of the end user's."""
        return [] if item.role in AGENT_ROLES else [IdleWarning(**self._base(item))]

    def _read_transfer(self, item: Item) -> list[VendorEvent]:
        return [TransferStarted(**self._base(item))]

    def _read_ended(self, item: Item) -> list[VendorEvent]:
        return [ConversationEnded(**self._base(item), ended_by=item.role.lower())]

    def _read_metadata(self, item: Item) -> list[VendorEvent]:
        message_id = as_text(item.metadata.get("MessageId")) or item.identifier
        return self._kept_back(item, message_id) or self._receipts(item, message_id)

    def _kept_back(self, item: Item, message_id: str) -> list[VendorEvent]:
        status = item.metadata.get("MessageProcessingStatus")
        if status not in KEPT_BACK:
            return []
        base = self._of(item, message_id, "failed")
        return [MessageFailed(**base, vendor_message_id=message_id, reason=as_text(status))]

    def _read_receipt(self, item: Item) -> list[VendorEvent]:
        """Read a receipt that the transcript keeps as an event of its own."""
        try:
            message_id = as_text(as_object(vendor_json(item.content)).get("messageId"))
        except ValueError:
            message_id = ""
        if self.is_own(item) or not message_id:
            return []
        kind = MessageRead if item.event == "message.read" else MessageDelivered
        return [kind(**self._base(item), vendor_message_id=message_id)]

    def _receipts(self, item: Item, message_id: str) -> list[VendorEvent]:
        """Read the others' receipts of one message; a reading says that it was delivered, too."""
        theirs = [
            receipt
            for receipt in as_objects(item.metadata.get("Receipts"))
            if receipt.get("RecipientParticipantId") != self._participant_id
        ]
        if any(receipt.get("ReadTimestamp") for receipt in theirs):
            return [MessageRead(**self._of(item, message_id, "read"), vendor_message_id=message_id)]
        if any(receipt.get("DeliveredTimestamp") for receipt in theirs):
            base = self._of(item, message_id, "delivered")
            return [MessageDelivered(**base, vendor_message_id=message_id)]
        return []

    def _of(self, item: Item, message_id: str, what: str) -> _Base:
        # The receipts of a message come again and again, under ids that change.
        return {**self._base(item), "vendor_event_id": f"{message_id}:{what}"}


def _file(attachment: Json) -> VendorFile:
    return VendorFile(
        file_name=as_text(attachment.get("AttachmentName")) or "file",
        mime_type=as_text(attachment.get("ContentType")) or "application/octet-stream",
        url=ATTACHMENT_URL + as_text(attachment.get("AttachmentId")),
    )


def _is_good(attachment: Json) -> bool:
    return attachment.get("Status") == APPROVED


_EVENT_READERS: Mapping[str, Callable[[ItemReader, Item], list[VendorEvent]]] = {
    "participant.joined": ItemReader._read_joined,
    "participant.left": ItemReader._read_left,
    "participant.idle": ItemReader._read_idle,
    "typing": ItemReader._read_typing,
    "transfer.succeeded": ItemReader._read_transfer,
    "chat.ended": ItemReader._read_ended,
    "message.metadata": ItemReader._read_metadata,
    "message.delivered": ItemReader._read_receipt,
    "message.read": ItemReader._read_receipt,
}
