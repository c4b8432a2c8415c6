"""What the pretend CXone tenant holds: one chat channel, its threads, contacts and tokens."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.events.faults import EventFaults
from integrations.simulators.events.streams import EventStream
from integrations.simulators.records import Records
from integrations.simulators.switches import Switches as AnySwitches
from integrations.simulators.world import World

BRAND_ID = 4711
CHANNEL_ID = "chat_5c1d9a40-7e2b-4f63-9c88-0b1a2d3e4f50"
OVER = ("closed", "trashed")


@dataclass(kw_only=True)
class Switches(AnySwitches):
    """What an admin of CXone has set, and how this side behaves."""

    brand_id: int = BRAND_ID
    channel_id: str = CHANNEL_ID
    channel_name: str = "Help"
    # Addresses below /env/<name> are this environment's; all others know no such channel.
    environment: str = "NA1"
    is_live_chat: bool = False
    has_multiple_threads: bool = True
    # Whether a live chat that is closed is not found again; else it is found as closed.
    closed_is_gone: bool = False
    # Whether a socket needs a transaction token.
    secured_sessions: bool = False
    token_seconds: int = 900
    is_ip_blocked: bool = False
    agents_offline: bool = False
    queue: str = "Support"
    case_fields: list[str] = field(
        default_factory=lambda: ["conversation_id", "Order_Ref", "summary", "reason"]
    )
    customer_fields: list[str] = field(default_factory=lambda: ["email", "phone", "loyalty_no"])
    # A field of the pre-contact form that the first message must bring.
    required_field: str = ""
    is_attachments_enabled: bool = True
    allowed_file_size: str = "25"
    allowed_file_types: list[str] = field(
        default_factory=lambda: ["image/*", "text/*", "application/pdf"]
    )
    # Messages in one page of a thread's history.
    page_size: int = 20
    # Longer texts arrive cut, and are fetched whole; 0 cuts none.
    cut_at: int = 0
    # Whether a customer's own message comes back as a push.
    echoes: bool = True
    # SetPositionInQueue in the form of a reply, as the web client files it.
    queue_as_reply: bool = False


@dataclass(slots=True, kw_only=True)
class Contact:
    """One routed interaction on a thread; CXone calls it contact and case."""

    contact_id: str
    status: str = "new"
    custom_fields: dict[str, str] = field(default_factory=dict)
    created_at: str = field(default_factory=lambda: moment())


@dataclass(slots=True, kw_only=True)
class Thread:
    """A conversation under the id that the customer's side chose."""

    external_id: str
    customer_id: str
    server_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    first_name: str = ""
    last_name: str = ""
    queue: str = ""
    customer_fields: dict[str, str] = field(default_factory=dict)
    contacts: list[Contact] = field(default_factory=list)
    # As they go over the wire, oldest first.
    messages: list[dict[str, Any]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    # The message ids that an answer went with, and what it was.
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    is_archived: bool = False
    is_typing: bool = False
    ended_by: str | None = None

    @property
    def contact(self) -> Contact | None:
        """The newest contact; None before the first message."""
        return self.contacts[-1] if self.contacts else None

    @property
    def is_over(self) -> bool:
        """Say whether nothing is open here."""
        return self.is_archived or self.contact is None or self.contact.status in OVER

    @property
    def status(self) -> str:
        """The state in the desk's words."""
        if self.is_over:
            return "ended"
        return "active" if self.agents else "queued"


@dataclass(slots=True, kw_only=True)
class Token:
    """A bearer: of a customer for a socket, or of one address for one GET."""

    token: str
    bearer_of: str
    expires_at: float


@dataclass(slots=True, kw_only=True, eq=False)
class GuestSocket(EventStream):
    """One open socket of a customer; what it has to say waits in its outbox."""

    customer_id: str = ""
    # Pushes are for who has said who it is: by token, or by AuthorizeCustomer.
    is_authorized: bool = False
    close_code: int = 1000
    outbox: list[str] = field(default_factory=list)

    def send(self, frame: str) -> None:
        """Say something."""
        self.outbox.append(frame)
        self.notify()

    def shut(self, code: int, *, is_cut: bool = False) -> None:
        """Close with a code."""
        self.close_code = code
        self.close(is_cut=is_cut)


class Sockets:
    """All open sockets; every customer's pushes are a lane of their own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: list[GuestSocket] = []
        self.faults: EventFaults[str] = EventFaults()

    def add(self, socket: GuestSocket) -> None:
        """Have one more."""
        with self._lock:
            self._open.append(socket)

    def remove(self, socket: GuestSocket) -> None:
        """Have one less."""
        with self._lock:
            self._open.remove(socket)

    def all(self) -> list[GuestSocket]:
        """Return what is open."""
        with self._lock:
            return list(self._open)

    def push(self, customer_id: str, frame: Mapping[str, Any]) -> None:
        """Send a frame to a customer's sockets, with the planned repeats, swaps and losses."""
        with self._lock:
            label = str(frame.get("eventType", ""))
            for one in self.faults.arriving(json.dumps(frame), label=label, lane=customer_id):
                self.push_text(customer_id, one)

    def push_text(self, customer_id: str, text: str) -> None:
        """Send whatever it is."""
        for socket in self.all():
            if socket.customer_id == customer_id and socket.is_authorized:
                socket.send(text)


class NiceChatWorld(World[Switches, Thread]):
    """The tenant."""

    kept_values: ClassVar[tuple[str, ...]] = ("next_contact",)
    agreed_switches: ClassVar[tuple[str, ...]] = ("brand_id", "channel_id", "environment")

    def __init__(self, switches: Switches) -> None:
        super().__init__(switches, Records(Thread, "external_id"))
        self.tokens = self.part("tokens", Records(Token, "token"))
        self.sockets = Sockets()
        self.next_contact = 600123

    def forget(self) -> None:
        """Forget threads and tokens, and what was planned for the sockets."""
        super().forget()
        self.sockets.faults.forget()

    def thread_of(self, customer_id: str, external_id: str) -> Thread | None:
        """Return a customer's thread; ids are case sensitive."""
        found = self.conversations.get(external_id)
        return found if found is not None and found.customer_id == customer_id else None

    def open_threads(self) -> list[Thread]:
        """Return the threads with something open."""
        return [one for one in self.conversations.values() if not one.is_over]

    def waiting(self) -> list[Thread]:
        """Return who waits for an agent, in order."""
        return [one for one in self.open_threads() if not one.agents]

    def new_contact(self, custom_fields: Mapping[str, str]) -> Contact:
        """Make a contact with the next number."""
        self.next_contact += 1
        return Contact(contact_id=str(self.next_contact), custom_fields=dict(custom_fields))

    def grant(self, bearer_of: str) -> Token:
        """Make a token."""
        return self.tokens.add(
            Token(
                token=f"jwt.{uuid.uuid4().hex}.{uuid.uuid4().hex}",
                bearer_of=bearer_of,
                expires_at=time.time() + self.switches.token_seconds,
            )
        )

    def bearer_of(self, token: str) -> str | None:
        """Say what a token is good for; None for an unknown one, or one too old."""
        found = self.tokens.get(token)
        return found.bearer_of if found and found.expires_at > time.time() else None


def moment() -> str:
    """Return this moment as CXone writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def desk_view(thread: Thread) -> dict[str, Any]:
    """Return a thread in the shape that all desks share."""
    contact = thread.contact
    return {
        "id": thread.external_id,
        "status": thread.status,
        "queue": thread.queue,
        "attributes": dict(contact.custom_fields) if contact else {},
        "language": None,
        "end_user": {
            "subject": thread.customer_id,
            "is_authenticated": False,
            "display_name": f"{thread.first_name} {thread.last_name}".strip() or "Guest",
            "email": thread.customer_fields.get("email"),
        },
        "is_typing": thread.is_typing,
        "is_closed": thread.is_over,
        "agents": list(thread.agents),
        "routing_status": contact.status if contact else None,
        "session_status": contact.status if contact else "new",
        "session_ended_by": thread.ended_by,
        "session_fields": dict(thread.customer_fields),
        "sessions": [{"id": one.contact_id, "status": one.status} for one in thread.contacts],
        "started_at": thread.contacts[0].created_at if thread.contacts else moment(),
        "messages": [_line(thread, one, n) for n, one in enumerate(thread.messages)],
        "timeline": [],
    }


def _line(thread: Thread, message: Mapping[str, Any], order: int) -> dict[str, Any]:
    content, user = message["messageContent"], message["authorUser"]
    is_own = message["direction"] == "inbound"
    is_read = (
        message["userStatistics"]["readAt"] if is_own else message["customerStatistics"]["seenAt"]
    )
    speaker = "end_user" if is_own else "live_agent" if user and not user["isBotUser"] else "bot"
    answer = thread.answers.get(message["id"])
    return {
        "id": message["id"],
        "order": order,
        "from": speaker,
        "name": "Customer" if is_own else user["nickname"] if user else "Bot",
        "text": content.get("text") or content.get("fallbackText") or "",
        "attachments": [
            {"id": f["id"], "name": f["friendlyName"], "mime_type": f["mimeType"], "url": f["url"]}
            for f in message["attachments"]
        ],
        "options": [one["text"] for one in content["payload"].get("actions", [])],
        "at": message["createdAtWithMilliseconds"],
        "delivered": True,
        "read": bool(is_read),
        **({"answer": answer} if answer else {}),
    }
