"""What the simulated org holds: its switches, end users and their tokens, conversations, entries.

Tokens imitate developer.salesforce.com/docs/service/messaging-api, guide/authorization.
"""

from __future__ import annotations

import hashlib
import random
import string
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.simulators.records import PASSING, Records
from integrations.simulators.switches import Switches

DOCUMENT_LETTERS = string.digits + string.ascii_letters
OPEN_STATUSES = ("New", "Waiting", "Active", "Inactive")
KEY_ID = "simulator-messaging-1"


@dataclass
class OrgSwitches(Switches):
    """What can be set on the simulated channel, and how strict the simulator is."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        # The contract knows both outcomes of a failed verification: 401, or an anonymous token.
        "auth_failure_mode": ("reject", "anonymous")
    }

    token_ttl_seconds: float = 6 * 3600
    ping_interval_seconds: float = 20
    auth_failure_mode: str = "reject"
    ewt_seconds: int | None = 95
    queue_positions: bool = False
    auto_response: str | None = "Thanks for getting in touch. An agent will be with you shortly."
    strict_last_event_id: bool = False
    strict_properties: bool = True
    session_prechat: bool = False
    # Each: name, type, required, maxLength, isHidden, order. None is required by default: whether
    # Salesforce refuses attributes that are not on the form is not documented.
    prechat_fields: list[dict[str, Any]] = field(default_factory=list)
    # External name of a custom parameter -> MessagingSession field. What is not declared here
    # vanishes silently, as it does when an admin forgets the mapping.
    custom_parameters: dict[str, str] = field(default_factory=dict)
    attachments: bool = True
    # In MB, as the token answer tells it.
    max_file_size: int = 5
    # A file's address may answer with another one, on the same host or elsewhere.
    is_file_redirected: bool = False
    transcript_download: bool = False
    agents_offline: bool = False
    enforce_rate_limit: bool = False
    # Undocumented: a repeated message id may be answered 202 or 409.
    duplicate_message_status: int = 202
    order_shuffle: bool = False
    queue: str = "Support"
    bot_name: str = "Birchline Assistant"
    # One source: a request above 8 KB is refused.
    max_body_bytes: int = 8192


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


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """An end user's right to use the API, under the text that was signed."""

    signed: str
    subject: str
    client_identifier: str
    expires_at: int
    is_revoked: bool = False
    # Before its time, because a fault has it so.
    is_expired: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Tell whether the end user was verified."""
        return self.subject.startswith("v2/iamessage/AUTH/")

    @property
    def problem(self) -> str:
        """Return the words with which the token is refused; empty for a good one."""
        if self.is_expired or self.expires_at <= time.time():
            return "Jwt is expired"
        return "Jwt is revoked" if self.is_revoked else ""


class Tokens(Records[AccessToken]):
    """The tokens of one org; one that is not on record was not signed here."""

    def __init__(self, org_id: str) -> None:
        super().__init__(AccessToken, "signed")
        self._org_id = org_id
        self._private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, subject: str, *, expires_at: int) -> AccessToken:
        """Sign a token for a new client of an end user."""
        client_identifier = str(uuid.uuid4())
        claims = {
            "jti": uuid.uuid4().hex,
            "sub": subject,
            "orgId": self._org_id,
            "clientId": client_identifier,
            "iat": int(time.time()),
            "exp": expires_at,
        }
        signed = jwt.encode(claims, self._private_key, algorithm="RS256", headers={"kid": KEY_ID})
        return self.add(
            AccessToken(
                signed=signed,
                subject=subject,
                client_identifier=client_identifier,
                expires_at=expires_at,
            )
        )

    def expire_all(self) -> None:
        """Let every token issued so far count as expired."""
        for token in self.values():
            token.is_expired = True


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
    def is_static(self) -> bool:
        """Tell whether it is a message that asks for no answer, which can be edited."""
        return isinstance(self.payload.get("abstractMessage", {}).get("staticContent"), dict)

    @property
    def has_files(self) -> bool:
        """Tell whether it is a message with files."""
        return self.is_static and "attachments" in self.payload["abstractMessage"]["staticContent"]


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
