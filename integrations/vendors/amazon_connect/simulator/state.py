"""What the simulated instance holds: chats, the contacts they pass through, what was said."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

EVENT = "application/vnd.amazonaws.connect.event."
MESSAGE = "application/vnd.amazonaws.connect.message."
INTERACTIVE = MESSAGE + "interactive"
INTERACTIVE_RESPONSE = MESSAGE + "interactive.response"
CUSTOMER_TYPES = ("text/plain", "text/markdown", "application/json", INTERACTIVE_RESPONSE)
LARGEST_CONTENT = 16_384
# Never stored: they are gone once they have been shown.
PASSING = {EVENT + name for name in ("typing", "participant.idle", "participant.autodisconnection")}
SYSTEM_NAME = "SYSTEM_MESSAGE"
# A chat on its way: connected within five minutes or dead, in its flow, in a queue, with agents,
# in the disconnect flow after the last agent left, over.
CREATED, IN_FLOW, QUEUED, AGENT, WRAP, ENDED = (
    *("CREATED", "IN_FLOW", "QUEUED"),
    *("AGENT", "WRAP", "ENDED"),
)


def new_id() -> str:
    """Return a fresh id."""
    return str(uuid.uuid4())


def named_id(kind: str, name: str) -> str:
    """Return the same id every time for the same name (a queue, a user)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}"))


@dataclass(slots=True, kw_only=True)
class Participant:
    """Somebody in a chat."""

    name: str
    role: str
    participant_id: str = field(default_factory=new_id)


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What one recipient has done with a message."""

    participant_id: str
    delivered_at: float | None = None
    read_at: float | None = None


@dataclass(slots=True, kw_only=True)
class FileReference:
    """A file as an item shows it."""

    attachment_id: str
    name: str
    content_type: str
    status: str


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a chat."""

    item_type: str
    content_type: str
    at_ms: float
    contact_id: str
    content: str | None = None
    sender: Participant | None = None
    item_id: str = field(default_factory=new_id)
    attachments: list[FileReference] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def is_said(self) -> bool:
        """Tell whether somebody said it, as opposed to something having happened."""
        return self.item_type in ("MESSAGE", "ATTACHMENT")

    @property
    def is_of_agent(self) -> bool:
        """Tell whether a live agent is behind it."""
        return self.sender is not None and self.sender.role == "AGENT"

    def receipt_of(self, participant_id: str) -> Receipt:
        """Return a recipient's receipt, made if there is none yet."""
        for receipt in self.receipts:
            if receipt.participant_id == participant_id:
                return receipt
        self.receipts.append(Receipt(participant_id=participant_id))
        return self.receipts[-1]


@dataclass(slots=True, kw_only=True)
class Contact:
    """One contact of a chat; a transfer makes another."""

    contact_id: str
    initiated_at: float
    method: str = "API"
    queue: str = ""
    enqueued_at: float | None = None
    agent_name: str = ""
    connected_at: float | None = None
    disconnected_at: float | None = None
    disconnect_reason: str = ""


@dataclass(slots=True, kw_only=True)
class Streaming:
    """An SNS topic a chat is published to."""

    streaming_id: str
    topic_arn: str


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat from its first contact to its end; named by the first contact's id."""

    customer: Participant
    created_at: float
    duration_minutes: int
    contact_flow_id: str
    attributes: dict[str, str]
    segment_attributes: dict[str, Any]
    supported_types: list[str]
    customer_id: str | None = None
    related_contact_id: str | None = None
    continued_from: str | None = None
    # What was said in the chats that this one continues, oldest first.
    past_items: list[Item] = field(default_factory=list)
    ends_agent_on_exit: bool = False
    state: str = CREATED
    contacts: list[Contact] = field(default_factory=list)
    agents: list[Participant] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    streamings: list[Streaming] = field(default_factory=list)
    # An agent who was ready before the flow had queued the chat.
    waiting_agent: str = ""
    typing_until: float = 0.0
    # The list that the flow shows a page at a time.
    paged_list: dict[str, Any] = field(default_factory=dict)

    @property
    def initial_contact_id(self) -> str:
        """Return the id that stays."""
        return self.contacts[0].contact_id

    @property
    def contact(self) -> Contact:
        """Return the contact the chat is in now."""
        return self.contacts[-1]

    @property
    def has_ended(self) -> bool:
        """Tell whether the chat is over."""
        return self.state == ENDED

    def item(self, item_id: str) -> Item | None:
        """Return an item by its id."""
        return next((item for item in self.items if item.item_id == item_id), None)

    def said_by_customer(self) -> list[Item]:
        """Return what the customer said, oldest first."""
        return [item for item in self.items if item.is_said and item.sender == self.customer]

    def participants(self) -> list[Participant]:
        """Return everybody who is in the chat."""
        return [self.customer, *self.agents]


@dataclass(slots=True, kw_only=True)
class Attachment:
    """A file on its way into a chat, or in it; its bytes are the world's file of the same id."""

    attachment_id: str
    initial_contact_id: str
    name: str
    content_type: str
    size: int
    owner_id: str
    is_complete: bool = False
    status: str = "IN_PROGRESS"
