"""What the simulated org holds: end users, conversations, sessions, entries."""

from __future__ import annotations

import hashlib
import random
import string
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from integrations.simulators.records import PASSING

DOCUMENT_LETTERS = string.digits + string.ascii_letters
OPEN_STATUSES = ("New", "Waiting", "Active", "Inactive")


def now_ms() -> int:
    """Return the server's clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def new_record_id(prefix: str) -> str:
    """Return a fresh 15-character record id."""
    tail = random.choices(DOCUMENT_LETTERS, k=5)  # noqa: S311 - an id, not a secret
    return f"{prefix}8Y00000{''.join(tail)}"


def named_record_id(prefix: str, name: str) -> str:
    """Return the same record id every time for the same name (a user, a queue)."""
    digest = hashlib.sha256(f"{prefix}{name}".encode()).digest()
    tail = "".join(DOCUMENT_LETTERS[byte % len(DOCUMENT_LETTERS)] for byte in digest[:5])
    return f"{prefix}8Y00000{tail}"


@dataclass(slots=True, kw_only=True)
class EndUser:
    """A messaging end user."""

    subject: str
    is_authenticated: bool
    display_name: str

    def participant(self, client_identifier: str) -> dict[str, str]:
        """Return the end user as the sender of an entry."""
        return {
            "role": "EndUser",
            "appType": "iamessage",
            "subject": self.subject,
            "clientIdentifier": client_identifier,
        }


# Role -> type of the application in which somebody works, and the prefix of their record id.
WORKPLACES = {"Chatbot": ("chatbot", "0Xx")}


@dataclass(slots=True, kw_only=True)
class LiveAgent:
    """Somebody of the org's who is in a conversation: a live agent, a supervisor or a bot."""

    name: str
    role: str = "Agent"
    client_identifier: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def participant(self) -> dict[str, str]:
        """Return the agent as a participant of an entry."""
        app_type, prefix = WORKPLACES.get(self.role, ("agent", "005"))
        return {
            "role": self.role,
            "appType": app_type,
            "subject": named_record_id(prefix, self.name),
            "clientIdentifier": self.client_identifier,
        }


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry of a conversation; receipts are those of the party it was meant for."""

    identifier: str
    entry_type: str
    payload: dict[str, Any]
    sender: dict[str, str]
    sender_name: str
    client_timestamp: int
    transcripted_timestamp: int
    is_delivered: bool = False
    is_read: bool = False

    @property
    def is_from_end_user(self) -> bool:
        """Tell whether the end user's side sent it."""
        return self.sender["role"] == "EndUser"

    @property
    def has_files(self) -> bool:
        """Tell whether it is a message with files."""
        content = self.payload.get("abstractMessage", {}).get("staticContent") or {}
        return bool(content.get("attachments"))


@dataclass(slots=True, kw_only=True)
class Session:
    """One engagement inside a conversation."""

    session_id: str = field(default_factory=lambda: new_record_id("0Mw"))
    work_item_id: str = field(default_factory=lambda: new_record_id("0Bz"))
    pending_routing_id: str = field(default_factory=lambda: new_record_id("0JR"))
    status: str = "Waiting"
    routing_status: str = "INITIAL"
    queue: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    agents: list[LiveAgent] = field(default_factory=list)
    started_at: int = field(default_factory=lambda: int(time.time()))
    ended_at: int | None = None
    ended_by_role: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the session still takes messages."""
        return self.status in OPEN_STATUSES

    @property
    def is_waiting(self) -> bool:
        """Tell whether the session waits in a queue."""
        return self.is_open and self.routing_status in ("INITIAL", "TRANSFER")

    @property
    def routing_type(self) -> str:
        """Return why the work is being routed."""
        return "Transfer" if self.routing_status == "TRANSFER" else "Initial"


@dataclass(slots=True, kw_only=True)
class Conversation:
    """A long-lived thread of one end user; survives its sessions."""

    conversation_id: str
    subject: str
    language: str | None
    routing_attributes: dict[str, str]
    started_at: int = field(default_factory=now_ms)
    ended_at: int = 0
    sessions: list[Session] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list, metadata=PASSING)
    typing_until: float = field(default=0.0, metadata=PASSING)

    @property
    def is_closed(self) -> bool:
        """Tell whether nobody can send any more."""
        return self.ended_at > 0

    @property
    def session(self) -> Session | None:
        """Return the open session."""
        latest = self.sessions[-1] if self.sessions else None
        return latest if latest and latest.is_open and not self.is_closed else None

    def entry(self, identifier: str) -> Entry | None:
        """Return an entry by its identifier."""
        return next((entry for entry in self.entries if entry.identifier == identifier), None)

    def messages(self) -> list[Entry]:
        """Return what was said, oldest first."""
        return [entry for entry in self.entries if entry.entry_type == "Message"]
