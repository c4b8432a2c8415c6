"""What the simulated Genesys org holds: integrations, conversations, participants, messages."""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NAMES = uuid.UUID("b2f6a0de-7c1f-4a2e-9d34-6f1f4c0f8e11")
LIVE_STATES = ("alerting", "connected")


def now_ms() -> int:
    """Return the server's clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def iso(milliseconds: int) -> str:
    """Return a time as Genesys writes it: milliseconds and Z."""
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Return a fresh lower-case UUID."""
    return str(uuid.uuid4())


def new_message_id() -> str:
    """Return a fresh message id: 32 hex digits without dashes."""
    return uuid.uuid4().hex


def named_id(kind: str, name: str) -> str:
    """Return the same id every time for the same name (a user, a queue, a flow)."""
    return str(uuid.uuid5(NAMES, f"{kind}:{name}"))


@dataclass(slots=True, kw_only=True)
class Integration:
    """One open messaging integration and its routing address."""

    id: str
    name: str
    webhook_url: str
    secret: str = field(repr=False)
    webhook_headers: dict[str, str] = field(default_factory=dict)
    supported_content_id: str | None = None
    messaging_setting_id: str | None = None
    recipient_id: str = field(default_factory=new_id)
    flow_id: str | None = None
    created_at: int = field(default_factory=now_ms)
    modified_at: int | None = None
    completed_at: int = field(default_factory=now_ms)
    is_deleted: bool = False

    @property
    def create_status(self) -> str:
        """Return how far the asynchronous creation has come."""
        return "Completed" if now_ms() >= self.completed_at else "Initiated"


@dataclass(slots=True, kw_only=True)
class Participant:
    """One leg of a conversation: customer, workflow, acd or agent."""

    purpose: str
    name: str
    id: str = field(default_factory=new_id)
    session_id: str = field(default_factory=new_id)
    state: str = "connected"
    queue: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    started_at: int = field(default_factory=now_ms)
    alerted_at: int | None = None
    connected_at: int | None = None
    ended_at: int | None = None
    disconnect_type: str | None = None

    @property
    def is_live(self) -> bool:
        """Tell whether this leg is still part of the conversation."""
        return self.state in LIVE_STATES

    @property
    def user_id(self) -> str | None:
        """Return the id of the user behind an agent's leg."""
        return named_id("user", self.name) if self.purpose == "agent" else None


@dataclass(slots=True, kw_only=True)
class Message:
    """One message; `status` is spelt as in the conversation's REST object."""

    participant_id: str
    direction: str
    type: str = "Text"
    text: str | None = None
    content: list[dict[str, Any]] = field(default_factory=list)
    originating_entity: str = "Human"
    metadata: dict[str, str] = field(default_factory=dict)
    provider_message_id: str = ""
    status: str = "received"
    receipts: list[dict[str, Any]] = field(default_factory=list)
    is_read: bool = False
    sender_name: str = ""
    id: str = field(default_factory=new_message_id)
    at: int = field(default_factory=now_ms)
    order: int = 0


@dataclass(slots=True, kw_only=True)
class Line:
    """Something that happened, told on the desk."""

    text: str
    at: int = field(default_factory=now_ms)
    order: int = 0


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One conversation with one external user of one integration."""

    integration_id: str
    external_id: str
    id_type: str
    nickname: str = ""
    email: str = ""
    id: str = field(default_factory=new_id)
    started_at: int = field(default_factory=now_ms)
    participants: list[Participant] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    timeline: list[Line] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    steps: int = 0
    typing_until: float = 0.0

    @property
    def customer(self) -> Participant:
        """Return the latest customer leg: a reopened conversation has several."""
        return self.of("customer")[-1]

    @property
    def is_connected(self) -> bool:
        """Tell whether the customer's leg is still there."""
        return self.customer.is_live

    @property
    def agents(self) -> list[Participant]:
        """Return the agents who are in, in order of arrival."""
        return [one for one in self.of("agent") if one.state == "connected"]

    @property
    def waiting(self) -> Participant | None:
        """Return the queue's leg while the conversation waits there."""
        return next((one for one in self.of("acd") if one.is_live), None)

    @property
    def alerting(self) -> Participant | None:
        """Return the agent whose desktop rings."""
        return next((one for one in self.of("agent") if one.state == "alerting"), None)

    @property
    def queue(self) -> str:
        """Return the name of the queue the conversation went to last."""
        return next((one.queue for one in reversed(self.participants) if one.queue), "")

    def of(self, purpose: str) -> list[Participant]:
        """Return all legs of a purpose, oldest first."""
        return [one for one in self.participants if one.purpose == purpose]

    def participant(self, participant_id: str) -> Participant | None:
        """Return a leg by its id."""
        return next((one for one in self.participants if one.id == participant_id), None)

    def by_session(self, session_id: str) -> Participant | None:
        """Return a leg by its communication's id."""
        return next((one for one in self.participants if one.session_id == session_id), None)

    def note(self, text: str) -> None:
        """Add a line to the desk's timeline."""
        self.steps += 1
        self.timeline.append(Line(text=text, order=self.steps))

    def add(self, message: Message) -> Message:
        """Append a message."""
        self.steps += 1
        message.order = self.steps
        self.messages.append(message)
        return message


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """A file of a conversation; the content is base64 so that it can be kept as JSON."""

    file_id: str
    name: str
    mime_type: str
    content_base64: str
    size: int


def conversation_as_dict(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as plain JSON values."""
    return asdict(conversation)


def conversation_from_dict(kept: Mapping[str, Any]) -> Conversation:
    """Return the conversation that `conversation_as_dict` was given."""
    parts: dict[str, Any] = {
        "participants": [Participant(**one) for one in kept["participants"]],
        "messages": [Message(**one) for one in kept["messages"]],
        "timeline": [Line(**one) for one in kept["timeline"]],
        # Clocks of this kind start anew with the machine.
        "typing_until": 0.0,
    }
    return Conversation(**{**kept, **parts})
