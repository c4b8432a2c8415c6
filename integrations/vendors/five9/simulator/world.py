"""What the pretend Five9 holds: its sessions and conversations, and how it calls the portal."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.records import Records
from integrations.simulators.switches import Switches
from integrations.simulators.webhooks import Letter, Outbox
from integrations.simulators.world import World

TENANT = "Acme Trial Domain"
CAMPAIGN = "Support"
ORG_ID = "141414"
# Nothing is published about how long Five9 repeats a call.
REPEATED_SECONDS = 600.0


@dataclass
class Five9Switches(Switches):
    """What can be set at the start and from the desk."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "callback_style": ("path", "type", "both"),
        "callback_method": ("POST", "PUT"),
        "active_centre": ("East", "West"),
        "authorization_form": ("both", "hyphen", "space"),
    }

    tenant_name: str = TENANT
    campaigns: list[str] = field(default_factory=lambda: [CAMPAIGN])
    agents_offline: bool = False
    open_for_business: bool = True
    # Where callbacks go whose address has no host, for a portal that does not know its own.
    callback_base: str = ""
    webhook_username: str = ""
    webhook_password: str = ""
    callback_style: str = "path"
    callback_method: str = "POST"
    active_centre: str = "East"
    # Which form of the Authorization header is taken; public programs use both.
    authorization_form: str = "both"
    # Whether new conversations open only when the desk queues them.
    opens_late: bool = False
    has_terminate: bool = True
    numbers_as_text: bool = False
    retry_pause_seconds: float = 3.0


@dataclass(slots=True, kw_only=True)
class Session:
    """One anonymous session."""

    token: str
    farm_id: str
    # The data centre that its last metadata named.
    centre: str
    is_expired: bool = False
    # What the file service takes instead of the token.
    file_token: str = ""


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file on its way in; `download_id` names it once its bytes are there."""

    file_id: str
    name: str
    download_id: str = ""
    looks: int = 0


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One conversation; the desk knows it by the portal's id, its own is a token."""

    external_id: str
    token: str
    campaign: str
    callback_url: str
    contact: dict[str, Any]
    attributes: dict[str, Any]
    priority: int | None = None
    status: str = "queued"
    is_open: bool = True
    agents: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    serial: int = 0
    ended_by: str | None = None
    started_at: str = field(default_factory=lambda: now_text())

    def add(
        self,
        speaker: str,
        name: str,
        text: str,
        message_id: str,
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Keep a message in the desk's shape and return it."""
        message = {
            "id": message_id,
            "order": len(self.messages),
            "from": speaker,
            "name": name,
            "text": text,
            "attachments": list(attachments),
            "options": [],
            "at": now_text(),
            "delivered": speaker == "end_user",
            "read": False,
        }
        self.messages.append(message)
        return message


class Five9World(World[Five9Switches, Conversation]):
    """One domain with two data centres."""

    agreed_switches: ClassVar[tuple[str, ...]] = (
        *("callback_base", "webhook_username", "webhook_password", "retry_pause_seconds"),
    )

    def __init__(self, switches: Five9Switches) -> None:
        super().__init__(switches, Records(Conversation, "external_id"))
        self.sessions = self.part("sessions", Records(Session, "token"))
        self.uploads = self.part("uploads", Records(Upload, "file_id"))
        self.outbox = Outbox[Letter](
            sign=self._headers,
            pause=lambda: switches.retry_pause_seconds,
            repeated_seconds=REPEATED_SECONDS,
            user_agent="Five9-Simulator",
            timeout_seconds=10.0,
        )

    def by_token(self, token: str) -> Conversation | None:
        """Return the conversation whose id this is."""
        return next((one for one in self.conversations.values() if one.token == token), None)

    def tell(self, conversation: Conversation, event: str, told: str, **data: Any) -> None:
        """Call the portal: `event` names it in a path, `told` in `type`."""
        conversation.serial += 1
        body = {
            **data,
            "eventSerialNumber": conversation.serial,
            "timestamp": int(time.time() * 1000),
            "correlationId": f"c-{conversation.serial}",
            "somethingNew": {"kept": True},
        }
        if self.switches.numbers_as_text:
            numbers = {k: str(v) for k, v in body.items() if type(v) is int}
            body |= numbers
        self.post(conversation, event, told, body)

    def post(self, conversation: Conversation, event: str, told: str, body: Any) -> None:
        """Send a body in the style that is switched on."""
        style, url = self.switches.callback_style, conversation.callback_url
        if style != "path" and isinstance(body, dict):
            body = {**body, "type": told, "conversationId": conversation.token}
        if style != "type":
            url = f"{url}/conversations/{conversation.token}/{event}"
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        lane, method = conversation.external_id, self.switches.callback_method
        self.outbox.post(Letter(url=url, method=method, raw=raw, lane=lane, label=event))

    def _headers(self, _letter: Letter) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if user := self.switches.webhook_username:
            pair = base64.b64encode(f"{user}:{self.switches.webhook_password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers

    def close(self, conversation: Conversation, ended_by: str) -> None:
        """Let a conversation be over, and tell of it."""
        name = conversation.agents[0] if conversation.agents else ""
        conversation.status, conversation.ended_by = "ended", ended_by
        conversation.agents.clear()
        self.tell(
            conversation,
            "terminate",
            "conversation_closed",
            displayName=name,
            externalId=conversation.external_id,
        )

    def forget(self) -> None:
        """Forget all records; what was agreed with the portal stays."""
        super().forget()
        self.outbox.forget()


def now_text() -> str:
    """Return this moment as the desk shows it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def desk_view(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation in the shape that all desks share."""
    contact = conversation.contact
    return {
        "id": conversation.external_id,
        "status": conversation.status,
        "queue": conversation.campaign,
        "attributes": conversation.attributes,
        "language": None,
        "end_user": {
            "subject": "",
            "is_authenticated": False,
            "display_name": contact.get("socialAccountName") or "Guest",
            "email": contact.get("email"),
            "phone": contact.get("number1"),
        },
        "is_typing": False,
        "is_closed": conversation.status == "ended",
        "agents": list(conversation.agents),
        "routing_status": "waiting" if conversation.status == "queued" else None,
        "session_status": conversation.status,
        "session_ended_by": conversation.ended_by,
        "session_fields": {"priority": str(conversation.priority or "")},
        "sessions": [{"id": conversation.external_id, "status": conversation.status}],
        "started_at": conversation.started_at,
        "messages": list(conversation.messages),
        "timeline": [],
    }
