"""What the simulated Genesys org holds: tokens, integrations, conversations with their parts."""

from __future__ import annotations

import datetime
import secrets
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from integrations.simulators.records import PASSING, Records

NAMES = uuid.UUID("b2f6a0de-7c1f-4a2e-9d34-6f1f4c0f8e11")
LIVE_STATES = ("alerting", "connected")
RATE_WINDOW_SECONDS = 60.0


def now_ms() -> int:
    """Return the server's clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def iso(milliseconds: int) -> str:
    """Return a time of the server's clock as Genesys writes it."""
    return written(datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC))


def written(moment: datetime.datetime) -> str:
    """Return a time of UTC as Genesys writes it: milliseconds and Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
class AccessToken:
    """A token of one OAuth client."""

    value: str
    client_id: str
    expires_at: float

    @property
    def is_good(self) -> bool:
        """Tell whether the token has not expired."""
        return time.time() < self.expires_at


class Tokens(Records[AccessToken]):
    """The tokens issued, and how many requests were made with them, per client."""

    def __init__(self) -> None:
        """Have issued none."""
        super().__init__(AccessToken, "value")
        self._calls: dict[str, deque[float]] = {}

    def issue(self, client_id: str, *, ttl_seconds: float) -> AccessToken:
        """Make a token."""
        value, expires_at = secrets.token_urlsafe(48), time.time() + ttl_seconds
        return self.add(AccessToken(value=value, client_id=client_id, expires_at=expires_at))

    def find(self, value: str) -> AccessToken | None:
        """Return a token that is good."""
        token = self.get(value)
        return token if token and token.is_good else None

    def seconds_to_wait(self, client_id: str, *, limit: int) -> int:
        """Count one request; returns 0, or how long to wait when it is one too many."""
        now = time.monotonic()
        calls = self._calls.setdefault(client_id, deque())
        while calls and calls[0] <= now - RATE_WINDOW_SECONDS:
            calls.popleft()
        if limit and len(calls) >= limit:
            return max(1, ceil(calls[0] + RATE_WINDOW_SECONDS - now))
        calls.append(now)
        return 0

    def expire_all(self) -> None:
        """Let every token issued so far be expired."""
        for token in self.values():
            token.expires_at = 0

    def forget(self) -> None:
        """Forget all tokens and counts."""
        super().forget()
        self._calls.clear()


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

    direction: str
    # Whose leg it is; empty before it is said.
    participant_id: str = ""
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

    def parts(self, name: str) -> list[dict[str, Any]]:
        """Return the parts of one kind in the content."""
        return [one[name] for one in self.content if name in one]

    def shown(self) -> dict[str, Any]:
        """Return text and content, as far as there are any."""
        text = {} if self.text is None else {"text": self.text}
        return {**text, **({"content": self.content} if self.content else {})}


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
    # Clocks of this kind start anew with the machine.
    typing_until: float = field(default=0.0, metadata=PASSING)

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

    @property
    def is_typing(self) -> bool:
        """Tell whether the end user types now."""
        return time.monotonic() < self.typing_until

    def of(self, purpose: str) -> list[Participant]:
        """Return all legs of a purpose, oldest first."""
        return [one for one in self.participants if one.purpose == purpose]

    def participant(self, participant_id: str) -> Participant | None:
        """Return a leg by its id."""
        return next((one for one in self.participants if one.id == participant_id), None)

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
