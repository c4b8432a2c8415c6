"""What the simulated account has on record, and how the Conversations API writes it."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass, field
from typing import Any

from integrations.simulators.records import StoredFile

AGENT_WORKSPACE = "zd:agentWorkspace"
ANSWER_BOT = "zd:answerBot"
# A ticket in one of these takes no further message: the next one needs another ticket.
FINAL_STATUSES = ("CLOSED", "DELETED", "ARCHIVED", "SCRUBBED")
DONE_STATUSES = ("SOLVED", *FINAL_STATUSES)
TICKET_STATUSES = ("NEW", "OPEN", "PENDING", "HOLD", *DONE_STATUSES)


def new_id() -> str:
    """Return a fresh id: 24 hex characters, as in all of the contract's examples."""
    return secrets.token_hex(12)


def time_text(milliseconds: int) -> str:
    """Return an instant as the API writes it: YYYY-MM-DDThh:mm:ss.SSSZ."""
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(slots=True, kw_only=True)
class User:
    """An end user as the Conversations API knows them."""

    external_id: str
    user_id: str = field(default_factory=new_id)
    profile: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    signed_up_at: str
    # The Support user's id, once a ticket has linked the two.
    zendesk_id: str | None = None

    @property
    def display_name(self) -> str:
        """Return the name an agent sees."""
        parts = (self.profile.get("givenName"), self.profile.get("surname"))
        return " ".join(str(part) for part in parts if part) or f"Web User {self.user_id[-6:]}"

    def truncated(self) -> dict[str, Any]:
        """Return a user as webhooks show them without "include full user"."""
        shown = {"id": self.user_id, "authenticated": False, "externalId": self.external_id}
        return {**shown, "zendeskId": self.zendesk_id} if self.zendesk_id else shown

    def shown(self) -> dict[str, Any]:
        """Return a whole user."""
        email = self.profile.get("email")
        identity = {"type": "email", "value": email, "verification": "unverified"}
        return {
            **self.truncated(),
            "signedUpAt": self.signed_up_at,
            "profile": self.profile,
            "metadata": self.metadata,
            "identities": [identity] if email else [],
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """One message; `order` is its place among everything that happened in the conversation."""

    message_id: str = field(default_factory=new_id)
    received_ms: int
    order: int
    author: dict[str, Any]
    content: dict[str, Any]
    source: dict[str, Any]
    metadata: dict[str, Any] | None = None
    activity: dict[str, Any] | None = None
    is_read: bool = False
    # Told as a failed delivery.
    is_failed: bool = False
    # Taken back: it stays in the history, without its words.
    is_deleted: bool = False

    @property
    def is_from_user(self) -> bool:
        """Tell whether the end user is the author."""
        return bool(self.author["type"] == "user")

    @property
    def words(self) -> str:
        """Return what a ticket event tells of the content."""
        return str(self.content.get("text") or self.content.get("altText") or "")

    def shown(self) -> dict[str, Any]:
        """Return a message as the API lists it."""
        content = {"type": "text", "text": ""} if self.is_deleted else self.content
        answer = {
            "id": self.message_id,
            "received": time_text(self.received_ms),
            "author": self.author,
            "content": content,
            "source": self.source,
            "metadata": self.metadata,
            "activity": self.activity,
            "deleted": self.is_deleted or None,
        }
        return {name: value for name, value in answer.items() if value is not None}


@dataclass(slots=True, kw_only=True)
class Participant:
    """A user's membership in a conversation."""

    user_id: str
    participant_id: str = field(default_factory=new_id)
    last_read: str | None = None


@dataclass(slots=True, kw_only=True)
class Conversation:
    """A conversation, who controls it, and what the desk shows of it."""

    conversation_id: str = field(default_factory=new_id)
    type: str
    participants: list[Participant] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    is_default: bool = False
    created_ms: int
    updated_ms: int
    business_last_read: str | None = None
    active: str | None = None
    pending: str | None = None
    messages: list[Message] = field(default_factory=list)
    # passControl's metadata, until a ticket takes it over.
    capture: dict[str, Any] = field(default_factory=dict)
    # The open messaging session's ticket; `ticket_ids` keeps those of earlier sessions too.
    ticket_id: int | None = None
    ticket_ids: list[int] = field(default_factory=list)
    first_message_shown: int = 0
    agents: list[str] = field(default_factory=list)
    ended_by: str | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    happened: int = 0

    def next_order(self) -> int:
        """Return the place of the next thing that happens here."""
        self.happened += 1
        return self.happened


@dataclass(slots=True, kw_only=True)
class SwitchboardIntegration:
    """A place to which control of a conversation can go."""

    name: str
    integration_id: str
    integration_type: str
    switchboard_integration_id: str = field(default_factory=new_id)
    # None goes by the account's settings.
    deliver_standby_events: bool | None = None
    next_id: str | None = None

    def truncated(self) -> dict[str, Any]:
        """Return the short form that conversations show."""
        return {
            "id": self.switchboard_integration_id,
            "name": self.name,
            "integrationId": self.integration_id,
            "integrationType": self.integration_type,
        }

    def shown(self) -> dict[str, Any]:
        """Return the long form, for app scope only."""
        return {
            **self.truncated(),
            "deliverStandbyEvents": self.deliver_standby_events,
            "nextSwitchboardIntegrationId": self.next_id,
            "messageHistoryCount": 10,
        }


@dataclass(slots=True, kw_only=True)
class Webhook:
    """A v2 webhook of an integration."""

    integration_id: str
    target: str
    triggers: list[str]
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    webhook_id: str = field(default_factory=new_id)
    include_full_user: bool = False
    include_full_source: bool = False

    def shown(self) -> dict[str, Any]:
        """Return a webhook with its secret, as its own integration may see it."""
        return {
            "id": self.webhook_id,
            "version": "v2",
            "target": self.target,
            "triggers": self.triggers,
            "secret": self.secret,
            "includeFullUser": self.include_full_user,
            "includeFullSource": self.include_full_source,
        }


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A Support ticket; `conversation_id` is set for messaging tickets only."""

    ticket_id: int
    status: str = "NEW"
    subject: str
    description: str
    priority: str | None = None
    tags: list[str] = field(default_factory=list)
    custom_fields: dict[str, Any] = field(default_factory=dict)
    requester_id: int
    submitter_id: int
    assignee_id: int | None = None
    group_id: int | None = None
    organization_id: int | None = None
    brand_id: int = 21
    form_id: int = 11
    external_id: str | None = None
    via: str
    conversation_id: str | None = None
    # What passControl carried for it.
    capture: dict[str, Any] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    # How many events were told of it.
    events_told: int = 0
    created_ms: int
    updated_ms: int


@dataclass(slots=True, kw_only=True)
class Person:
    """A Support user: an agent, or the requester of a ticket; `key` is the same every time."""

    user_id: int
    key: str
    name: str = ""
    email: str | None = None
    role: str = "agent"


@dataclass(slots=True, kw_only=True)
class Group:
    """A group of agents."""

    group_id: int
    name: str


@dataclass(kw_only=True)
class ConversationFile(StoredFile):
    """A file that was uploaded by either side, tied to a conversation or to none."""

    size: int = 0
    conversation_id: str | None = None
