"""What an item of an Amazon Connect chat means in our events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_json
from integrations.vendors.amazon_connect.mapping.item import ATTACHMENT, MESSAGE, Item

MALFORMED = "malformed"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
TEXT_TYPES = ("text/plain", "text/markdown")
UNSUPPORTED = "[unsupported message]"
_MAX_DEPTH = 4
APPROVED = "APPROVED"
REJECTED = "REJECTED"
ATTACHMENT_URL = "amazon-connect-attachment:"
_AGENT = "AGENT"
_AGENT_ROLES = (_AGENT, "SUPERVISOR")
_CUSTOMER = "CUSTOMER"
_REFUSED_FILE = "[The contact centre's scanner refused the file {name}.]"

# Known, and of no interest to the end user.
_IGNORED_EVENTS = frozenset(
    {
        "connection.acknowledged",
        "participant.active",
        "participant.inactive",
        "participant.invited",
        "participant.returned",
        "participant.idle",
        "participant.autodisconnection",
        "participant.displayname.updated",
        "transfer.failed",
        "chat.rehydrated",
        "workflow.cancelled",
    }
)


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

    def _base(self, item: Item, suffix: str = "") -> _Base:
        return {
            "vendor_event_id": item.identifier + suffix,
            "vendor_conversation_id": self._conversation_id,
            "occurred_at": item.at,
        }

    def _read_message(self, item: Item) -> list[VendorEvent]:
        if self.is_own(item):
            echo = MessageEchoed(**self._base(item), vendor_message_id=item.identifier)
            return [echo, *self._receipts(item, item.identifier)]
        text = message_text(item.content_type, item.content)
        if not text:
            return []
        if item.role in _AGENT_ROLES:
            return [
                LiveAgentMessage(
                    **self._base(item),
                    agent_id=item.participant_id,
                    agent_name=item.display_name,
                    text=text,
                )
            ]
        return [SystemNotice(**self._base(item), text=text)]

    def _read_attachments(self, item: Item) -> list[VendorEvent]:
        read = self._own_file if self.is_own(item) else self._file
        events = [
            read(item, attachment, f":{number}" if number else "")
            for number, attachment in enumerate(item.attachments)
        ]
        return [event for event in events if event is not None]

    def _file(self, item: Item, attachment: Json, suffix: str) -> VendorEvent | None:
        """Show a file once the vendor's scanner has let it through."""
        if attachment.get("Status") != APPROVED:
            return None
        return LiveAgentAttachment(
            **self._base(item, suffix),
            agent_id=item.participant_id,
            agent_name=item.display_name,
            file_name=as_text(attachment.get("AttachmentName")) or "file",
            mime_type=as_text(attachment.get("ContentType")) or "application/octet-stream",
            url=ATTACHMENT_URL + as_text(attachment.get("AttachmentId")),
        )

    def _own_file(self, item: Item, attachment: Json, suffix: str) -> VendorEvent | None:
        attachment_id = as_text(attachment.get("AttachmentId"))
        if attachment.get("Status") == APPROVED:
            return MessageEchoed(**self._base(item, suffix), vendor_message_id=attachment_id)
        if attachment.get("Status") != REJECTED:
            return None
        name = as_text(attachment.get("AttachmentName"))
        return SystemNotice(**self._base(item, suffix), text=_REFUSED_FILE.format(name=name))

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
        if item.role != _AGENT:
            return []
        return [
            LiveAgentLeft(
                **self._base(item), agent_id=item.participant_id, agent_name=item.display_name
            )
        ]

    def _read_typing(self, item: Item) -> list[VendorEvent]:
        if item.role not in _AGENT_ROLES or self.is_own(item):
            return []
        return [
            LiveAgentTyping(**self._base(item), agent_id=item.participant_id, is_typing=True),
        ]

    def _read_transfer(self, item: Item) -> list[VendorEvent]:
        return [TransferStarted(**self._base(item))]

    def _read_ended(self, item: Item) -> list[VendorEvent]:
        return [ConversationEnded(**self._base(item), ended_by=item.role.lower())]

    def _read_metadata(self, item: Item) -> list[VendorEvent]:
        return self._receipts(item, as_text(item.metadata.get("MessageId")) or item.identifier)

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


_EVENT_READERS: Mapping[str, Callable[[ItemReader, Item], list[VendorEvent]]] = {
    "participant.joined": ItemReader._read_joined,
    "participant.left": ItemReader._read_left,
    "typing": ItemReader._read_typing,
    "transfer.succeeded": ItemReader._read_transfer,
    "chat.ended": ItemReader._read_ended,
    "message.metadata": ItemReader._read_metadata,
    "message.delivered": ItemReader._read_receipt,
    "message.read": ItemReader._read_receipt,
}


def message_text(content_type: str, content: str) -> str:
    """Return a message as plain text; empty for what is not meant for people to read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in TEXT_TYPES or not kind:
        return content
    if kind == INTERACTIVE:
        return _interactive_text(content)
    return ""


def _interactive_text(content: str) -> str:
    try:
        template = vendor_json(content)
    except ValueError:
        return UNSUPPORTED
    return "\n".join(filter(None, _lines(as_object(template), 0))) or UNSUPPORTED


def _lines(template: Json, depth: int) -> Iterator[str]:
    """Write the title, then a line for each choice: the choice's title is also the answer."""
    if depth > _MAX_DEPTH:
        return
    content = as_object(as_object(template.get("data")).get("content"))
    yield _titled(content)
    for element in as_objects(content.get("elements")) + as_objects(content.get("timeslots")):
        if "data" in element:  # a carousel holds whole templates
            yield from _lines(element, depth + 1)
        elif not element.get("actionDetail"):  # buttons that turn pages answer nothing
            yield f"- {_choice(element)}"


def _choice(element: Json) -> str:
    url = as_text(element.get("url"))
    text = _titled(element) or as_text(element.get("date"))
    return f"{text}: {url}" if url else text


def _titled(item: Mapping[str, object]) -> str:
    parts = (as_text(item.get("title")), as_text(item.get("subtitle")))
    return " - ".join(filter(None, parts))
