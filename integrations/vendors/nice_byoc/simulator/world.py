"""What the pretend CXone tenant holds: one BYOC channel, its threads, contacts and tokens."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.records import Records
from integrations.simulators.switches import Switches as AnySwitches
from integrations.simulators.world import World
from integrations.vendors.nice_byoc.simulator.box import Box, Call

INTEGRATION_ID = "3d0f5a52-5d5c-4f0c-8a44-52d0b1c9d7aa"
CHANNEL_ID = "byoc_3d0f5a52_support"
ACCESS_KEY_ID = "LXYNN2RGLEWQTTRJ7MFJ4LXZ5UUJDUGH"
ACCESS_KEY_SECRET = "simulated-access-key-secret"  # noqa: S105 - of a pretence
OAUTH_CLIENT_ID = "portal@cxone"
OAUTH_CLIENT_SECRET = "simulated-oauth-client-secret"  # noqa: S105 - of a pretence
TENANT_ID = "11ea2f5a-9b0c-4d1e-8f3a-0242ac110005"
OVER = ("closed", "trashed")


@dataclass(kw_only=True)
class Switches(AnySwitches):
    """What an admin of CXone has entered, and how this side behaves."""

    integration_id: str = INTEGRATION_ID
    channel_id: str = CHANNEL_ID
    access_key_id: str = ACCESS_KEY_ID
    access_key_secret: str = ACCESS_KEY_SECRET
    oauth_client_id: str = OAUTH_CLIENT_ID
    oauth_client_secret: str = OAUTH_CLIENT_SECRET
    # The integration box; the authorization URL is below it unless it is entered.
    box_url: str = ""
    authorization_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    uses_outbound_api: bool = True
    # Whether a token is asked for with a form instead of JSON.
    asks_with_form: bool = False
    agents_offline: bool = False
    queue: str = "Support"
    case_fields: list[str] = field(
        default_factory=lambda: ["conversation_id", "Order_Ref", "summary", "reason"]
    )
    token_seconds: int = 3600
    retry_pause_seconds: float = 3.0


@dataclass(slots=True, kw_only=True)
class Contact:
    """One routed interaction on a thread; its messages as they go over the wire, oldest first."""

    contact_id: str
    status: str = "new"
    custom_fields: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    created_at: str = field(default_factory=lambda: moment())


@dataclass(slots=True, kw_only=True)
class Thread:
    """A conversation under the id that the portal chose."""

    external_id: str
    end_user: dict[str, Any]
    queue: str
    server_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    contacts: list[Contact] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    is_typing: bool = False
    ended_by: str | None = None

    @property
    def contact(self) -> Contact:
        """The newest contact: a thread begins with one."""
        return self.contacts[-1]

    @property
    def is_over(self) -> bool:
        """Say whether nothing is open here."""
        return self.contact.status in OVER

    @property
    def status(self) -> str:
        """The state in the desk's words."""
        if self.is_over:
            return "ended"
        return "active" if self.agents else "queued"

    def message(self, message_id: str) -> dict[str, Any] | None:
        """Return a message by the id that the other side gave it, or by ours."""
        every = (one for contact in self.contacts for one in contact.messages)
        return next((m for m in every if message_id in (m["id"], m["idOnExternalPlatform"])), None)


class NiceByocWorld(World[Switches, Thread]):
    """The tenant."""

    kept_values: ClassVar[tuple[str, ...]] = ("next_contact", "tokens")
    agreed_switches: ClassVar[tuple[str, ...]] = (
        *("box_url", "authorization_url", "client_id", "client_secret", "channel_id"),
        *("integration_id", "retry_pause_seconds"),
    )

    def __init__(self, switches: Switches) -> None:
        super().__init__(switches, Records(Thread, "external_id"))
        # Token -> when it is over.
        self.tokens: dict[str, float] = {}
        self.next_contact = 700123
        self.outbox = Box(switches)

    def forget(self) -> None:
        """Forget threads, tokens and calls."""
        super().forget()
        self.tokens.clear()
        self.outbox.forget()

    def open_threads(self) -> list[Thread]:
        """Return the threads with something open."""
        return [one for one in self.conversations.values() if not one.is_over]

    def contact(self, contact_id: str) -> tuple[Thread, Contact] | None:
        """Return a contact and its thread."""
        every = ((t, c) for t in self.conversations.values() for c in t.contacts)
        return next((found for found in every if found[1].contact_id == contact_id), None)

    def new_contact(self, fields: Mapping[str, str]) -> Contact:
        """Make a contact with the next number."""
        self.next_contact += 1
        known = {n: v for n, v in fields.items() if n in self.switches.case_fields}
        return Contact(contact_id=str(self.next_contact), custom_fields=known)

    def grant(self) -> str:
        """Make a token that names its tenant."""
        claims = json.dumps({"tenantId": TENANT_ID, "jti": uuid.uuid4().hex}).encode()
        middle = base64.urlsafe_b64encode(claims).decode().rstrip("=")
        token = f"e30.{middle}.{uuid.uuid4().hex}"
        self.tokens[token] = time.time() + self.switches.token_seconds
        return token

    def is_token_good(self, token: str) -> bool:
        """Say whether a token is known and not too old."""
        return self.tokens.get(token, 0.0) > time.time()

    def say(
        self,
        thread: Thread,
        content: Mapping[str, Any],
        *,
        author: Mapping[str, Any],
        files: list[Any] | None = None,
    ) -> None:
        """Put an agent's message on record, and have CXone call the integration box with it."""
        made = message(thread, content, author=author, attachments=files)
        thread.contact.messages.append(made)
        self.call_with(thread, made)

    def call_with(self, thread: Thread, made: Mapping[str, Any]) -> None:
        """Call the box with a message, in the way the integration's switch says."""
        body = {
            "brand": {"id": 4711},
            "thread": {"id": thread.server_id, "idOnExternalPlatform": thread.external_id},
            "messageContent": made["messageContent"],
            "endUserRecipients": [
                {"idOnExternalPlatform": thread.end_user["idOnExternalPlatform"]}
            ],
            "replyToMessage": None,
            "isReplyToSpecificMessage": False,
            "attachments": made["attachments"],
            "forward": None,
        }
        channel, post = self.switches.channel_id, thread.server_id
        is_new = self.switches.uses_outbound_api
        path = f"/2.0/channel/{channel}/outbound" if is_new else f"/1.0/posts/{post}/messages"
        self.outbox.call(
            Call(path=path, body=body, lane=thread.external_id, label="message", about=made["id"]),
            self.took,
        )

    def took(self, message_id: str, given_id: str) -> None:
        """Note the id that the other side gave a message; none: it could not be delivered."""
        with self.lock:
            for thread in self.conversations.values():
                if found := thread.message(message_id):
                    found["idOnExternalPlatform"] = given_id
                    found["isDelivered"] = bool(given_id)


def message(
    thread: Thread,
    content: Mapping[str, Any],
    *,
    author: Mapping[str, Any] | None = None,
    external_id: str = "",
    attachments: list[Any] | None = None,
) -> dict[str, Any]:
    """Return a message as the API gives it; with an `external_id` it is the end user's."""
    now, is_own = moment(), bool(external_id)
    return {
        "id": str(uuid.uuid4()),
        "idOnExternalPlatform": external_id,
        "threadId": thread.server_id,
        "postId": thread.server_id,
        "threadIdOnExternalPlatform": thread.external_id,
        "contactNumber": thread.contact.contact_id,
        "direction": "inbound" if is_own else "outbound",
        "messageContent": {"fallbackText": "", **content},
        "attachments": attachments or [],
        "authorUser": author,
        "authorEndUserIdentity": identity(thread) if is_own else None,
        "createdAt": now,
        "createdAtWithMilliseconds": now,
        "isDeletedOnExternalPlatform": False,
        "isHiddenOnExternalPlatform": False,
        **dict.fromkeys(("replyChannel", "replyToMessage")),
        "status": None,
        "isDelivered": True,
    }


def user(name: str, *, is_bot: bool = False) -> dict[str, Any]:
    """Return a live agent, or a bot's user, by name."""
    first, _, last = name.partition(" ")
    number = int(uuid.uuid5(uuid.NAMESPACE_URL, name).hex[:6], 16)
    names = {"firstName": first, "surname": last, "nickname": name}
    return {"id": number, "incontactId": f"in-{number}", **names, "isBotUser": is_bot}


def contact_view(thread: Thread, contact: Contact) -> dict[str, Any]:
    """Return a contact as the API gives it."""
    has_agent = bool(thread.agents) and contact is thread.contact
    assignee = user(thread.agents[-1]) if has_agent else None
    return {
        "id": contact.contact_id,
        "status": contact.status,
        "threadId": thread.server_id,
        "threadIdOnExternalPlatform": thread.external_id,
        "direction": "inbound",
        "createdAt": contact.created_at,
        "customFields": [{"ident": n, "value": v} for n, v in contact.custom_fields.items()],
        "inboxAssignee": assignee["id"] if assignee else None,
        "inboxAssigneeUser": assignee,
        "authorEndUserIdentity": identity(thread),
        "ownerAssigneeUser": None,
    }


def identity(thread: Thread) -> dict[str, Any]:
    """Return the end user, as whoever wrote something."""
    return {**thread.end_user, "id": "eu-1", "fullName": "Customer"}


def moment() -> str:
    """Return this moment as CXone writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def desk_view(thread: Thread) -> dict[str, Any]:
    """Return a thread in the shape that all desks share."""
    messages = [one for contact in thread.contacts for one in contact.messages]
    person = thread.end_user
    return {
        "id": thread.external_id,
        "status": thread.status,
        "queue": thread.queue,
        "attributes": dict(thread.contact.custom_fields),
        "language": None,
        "end_user": {
            "subject": person["idOnExternalPlatform"],
            "is_authenticated": False,
            "display_name": person.get("nickname") or "Guest",
        },
        "is_typing": thread.is_typing,
        "is_closed": thread.is_over,
        "agents": list(thread.agents),
        "routing_status": thread.contact.status,
        "session_status": thread.contact.status,
        "session_ended_by": thread.ended_by,
        "session_fields": {},
        "sessions": [{"id": one.contact_id, "status": one.status} for one in thread.contacts],
        "started_at": thread.contacts[0].created_at,
        "messages": [_line(thread, one, n) for n, one in enumerate(messages)],
        "timeline": [],
    }


def _line(thread: Thread, made: Mapping[str, Any], order: int) -> dict[str, Any]:
    content, author = made["messageContent"], made["authorUser"]
    is_own = made["direction"] == "inbound"
    speaker = "end_user" if is_own else "live_agent"
    is_bot = not is_own and (author is None or author["isBotUser"])
    answer = thread.answers.get(made["id"])
    return {
        "id": made["id"],
        "order": order,
        "from": "bot" if is_bot else speaker,
        "name": "Customer" if is_own else author["nickname"] if author else "Bot",
        "text": content["payload"].get("text")
        if isinstance(content["payload"].get("text"), str)
        else content["fallbackText"] or "",
        "attachments": [
            {"id": f["id"], "name": f["friendlyName"], "mime_type": f["mimeType"], "url": f["url"]}
            for f in made["attachments"]
            if "id" in f
        ],
        "options": [one["text"] for one in content["payload"].get("actions", [])],
        "at": made["createdAtWithMilliseconds"],
        "delivered": made["isDelivered"],
        "read": made["status"] == "seen",
        "failed": made["status"] == "failed",
        **({"answer": answer} if answer else {}),
    }
