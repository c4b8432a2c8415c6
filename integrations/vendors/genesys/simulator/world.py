"""The simulated Genesys Cloud org: its set-up, its records, and how it looks things up."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from integrations.simulators.desk import DeskError
from integrations.simulators.records import Records, StoredFile
from integrations.simulators.switches import Switches
from integrations.simulators.webhooks import RetryPlan, WebhookDelivery, WebhookSender
from integrations.simulators.world import World
from integrations.vendors.genesys.simulator.checks import WAIT_TOLD
from integrations.vendors.genesys.simulator.notifications import ChannelOffice
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    Tokens,
    named_id,
    new_id,
    now_ms,
)

SECRET_LENGTH = 16
DOWNLOAD_PATH, STORE_PATH = "/api/v2/downloads", "/stored-files"
DELIVERY_STATUSES = {"pending": "queued", "delivered": "sent", "failed": "failed"}
ALL_PERMISSIONS = (
    "conversation:message:receive",
    "conversation:message:create",
    "conversation:message:view",
    "conversation:communication:disconnect",
    "messaging:integration:view",
    "messaging:integration:add",
    "messaging:integration:edit",
    "messaging:integration:delete",
    "messaging:setting:view",
    "messaging:setting:add",
    "messaging:setting:edit",
    "routing:message:manage",
    "routing:queue:view",
    "conversation:threadingTimeline:view",
    "conversation:threadingTimeline:edit",
    "analytics:conversationDetail:view",
    "analytics:queueObservation:view",
)
# What an admin agrees with the portal; a reset leaves it.
AGREED = (
    "client_id",
    "client_secret",
    "integration_id",
    "integration_name",
    "webhook_url",
    "webhook_secret",
)


@dataclass
class OrgSwitches(Switches):
    """The org's settings and the simulator's faithful oddities, by name."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "signature": ("base64", "hex", "wrong", "none"),
        "nickname_spelling": ("nickname", "nickName"),
        "wait_told": WAIT_TOLD,
        # The vendor does not say which: an agent's start is told when it rings, or when accepted.
        "user_start_at": ("connected", "alerting"),
    }

    # -- What is agreed
    client_id: str = "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10"
    client_secret: str = field(default="simulated-client-secret", repr=False)
    integration_id: str = "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42"
    integration_name: str = "Portal shop chat"
    webhook_url: str = ""
    webhook_secret: str = field(default="portal-secret-0123456789", repr=False)
    # -- The org
    permissions: list[str] = field(default_factory=lambda: list(ALL_PERMISSIONS))
    queues: list[str] = field(default_factory=lambda: ["Support", "Billing", "Sales"])
    queue: str = "Support"
    queue_attribute: str = "QueueName"
    flow_attached: bool = True
    flow_delay_seconds: float = 0.0
    flow_greeting: str | None = None
    # "", or the exit reason with which the flow ends without an agent.
    flow_exit: str = ""
    typing_inbound: bool = True
    typing_outbound: bool = True
    threading_minutes: int = 4320
    inbound_media_types: list[str] = field(default_factory=lambda: ["*/*"])
    agents_offline: bool = False
    estimated_wait_seconds: int | None = 95
    # -- The service
    token_ttl_seconds: float = 86399
    ping_interval_seconds: float = 30.0
    # How long a note of typing holds; there is none that it is over.
    typing_seconds: float = 5.0
    rate_limit_per_minute: int = 300
    wait_told: str = "header"
    integration_create_seconds: float = 0.5
    require_https_webhook: bool = False
    success_status: int = 202
    is_prefetch_answered: bool = True
    download_ttl_seconds: float = 600
    # Of `GET /api/v2/downloads/{id}` the SDK says that it issues a redirect.
    is_download_redirected: bool = True
    webhook_timeout_seconds: float = 10.0
    webhook_retry_pause_seconds: float = 5.0
    # -- How webhooks look
    signature: str = "base64"
    nickname_spelling: str = "nickname"
    is_conversation_id_sent: bool = True
    is_id_type_sent: bool = True
    receipts_sent: bool = True
    user_start_at: str = "connected"

    def change(self, **values: Any) -> None:
        """Refuse also what Genesys would not store."""
        for name in AGREED:
            if name != "webhook_url" and values.get(name, "x") == "":
                raise DeskError(400, f"{name} must be a text.")
        if len(str(values.get("webhook_secret", "x" * SECRET_LENGTH))) < SECRET_LENGTH:
            raise DeskError(400, "webhook_secret must be longer than 15 characters.")
        if "integration_id" in values:
            _require_uuid(str(values["integration_id"]))
        super().change(**values)


class Org(World[OrgSwitches, Conversation]):
    """Everything one simulated org knows."""

    kept_values = ("settings", "signing_key")
    agreed_switches = AGREED

    def __init__(self, switches: OrgSwitches) -> None:
        super().__init__(switches, Records(Conversation, "id"))
        self.tokens = self.part("tokens", Tokens())
        self.integrations = self.part("integrations", Records(Integration, "id"))
        self.channels = ChannelOffice(self.lock)
        self.sender = WebhookSender(user_agent="Genesys-Simulator")
        self.division_id = named_id("division", "Home")
        self.flow_id = named_id("flow", "Inbound message flow")
        self.settings: dict[str, dict[str, Any]] = {}
        # Attachment id -> what the end user's file holds, once it was fetched.
        self.fetched: dict[str, bytes] = {}
        self.refused: set[str] = set()
        self.deliveries: dict[str, WebhookDelivery] = {}
        self.signing_key = secrets.token_hex(32)
        self._apply()

    # -- Set-up -------------------------------------------------------------------------------

    def configure(self, **switches: Any) -> None:
        """Change switches; an integration that was replaced is deleted."""
        before = self.switches.integration_id
        super().configure(**switches)
        if before != self.switches.integration_id:
            self.integrations[before].is_deleted = True
        self._apply()

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and the routing address of the integration."""
        recipient_id = self.integrations[self.switches.integration_id].recipient_id
        return {**super().configuration(), "recipient_id": recipient_id}

    def _apply(self) -> None:
        """Have the one integration of the set-up exist as it says."""
        switches = self.switches
        kept = self.integrations.get(switches.integration_id) or Integration(
            id=switches.integration_id, name="", webhook_url="", secret=""
        )
        kept.name, kept.is_deleted = switches.integration_name, False
        kept.webhook_url, kept.secret = switches.webhook_url, switches.webhook_secret
        kept.flow_id = self.flow_id if switches.flow_attached else None
        self.integrations.add(kept)
        self.sender.plan = RetryPlan(
            timeout_seconds=switches.webhook_timeout_seconds,
            pauses=(switches.webhook_retry_pause_seconds,) * 5,
        )

    def add_integration(self, **fields: Any) -> Integration:
        """Begin to create an integration; it is complete a moment later."""
        delay = round(self.switches.integration_create_seconds * 1000)
        return self.integrations.add(
            Integration(id=new_id(), completed_at=now_ms() + delay, **fields)
        )

    # -- Looking up ---------------------------------------------------------------------------

    def integration(self, integration_id: str) -> Integration | None:
        """Return an integration by its id; a deleted one only lives on in its conversations."""
        found = self.integrations.get(integration_id)
        return None if found is None or found.is_deleted else found

    def by_recipient(self, recipient_id: str) -> Integration | None:
        """Return the integration whose routing address this is."""
        found = (one for one in self.integrations.values() if one.recipient_id == recipient_id)
        return next((one for one in found if not one.is_deleted), None)

    def latest(self, integration_id: str, external_id: str) -> Conversation | None:
        """Return the newest conversation with an external user."""
        for conversation in reversed(self.conversations.values()):
            if (conversation.integration_id, conversation.external_id) == (
                integration_id,
                external_id,
            ):
                return conversation
        return None

    def message(self, message_id: str) -> tuple[Conversation, Message] | None:
        """Return a message, and the conversation it is part of."""
        for conversation in self.conversations.values():
            for message in conversation.messages:
                if message.id == message_id:
                    return conversation, message
        return None

    def queue_names(self) -> list[str]:
        """Return the org's queues."""
        return [*dict.fromkeys([self.switches.queue, *self.switches.queues])]

    def queue_by_id(self, queue_id: str) -> str | None:
        """Return a queue's name."""
        return next((one for one in self.queue_names() if named_id("queue", one) == queue_id), None)

    def user_names(self) -> list[str]:
        """Return everybody who ever was an agent here."""
        legs = (leg for one in self.conversations.values() for leg in one.of("agent"))
        return [*dict.fromkeys(leg.name for leg in legs)]

    def talking(self) -> Iterable[Conversation]:
        """Return the conversations whose customer is still there."""
        return [one for one in self.conversations.values() if one.is_connected]

    def status_of(self, message: Message) -> str:
        """Return how far a message came, from its webhook and the receipts for it."""
        if message.direction == "inbound":
            return "failed" if message.id in self.refused else message.status
        delivery = self.deliveries.get(message.id)
        if message.status == "queued" and delivery is not None:
            return DELIVERY_STATUSES[delivery.state]
        return message.status

    # -- Downloads ----------------------------------------------------------------------------

    def download_url(self, stored: StoredFile, *, is_stored: bool = False) -> str:
        """Return an address from which anybody may fetch a file for a while.

        With `is_stored` it is where the download host redirects to.
        """
        expires = int(time.time() + self.switches.download_ttl_seconds)
        signed = self._signature(stored.file_id, expires)
        path = f"{STORE_PATH if is_stored else DOWNLOAD_PATH}/{stored.file_id}"
        return f"{self.base_url}{path}?Expires={expires}&Signature={signed}"

    def is_download_allowed(self, file_id: str, expires: str, signature: str) -> bool:
        """Tell whether a signed address is genuine and not expired."""
        if re.fullmatch("[0-9]{1,12}", expires) is None or int(expires) <= time.time():
            return False
        # As bytes: what a caller has put in an address may be no ASCII.
        return hmac.compare_digest(
            self._signature(file_id, int(expires)).encode(), signature.encode()
        )

    def _signature(self, file_id: str, expires: int) -> str:
        signed = f"{file_id}:{expires}".encode()
        return hmac.new(bytes.fromhex(self.signing_key), signed, hashlib.sha256).hexdigest()

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all records, tokens and channels; what the admin set up stays."""
        super().forget()
        self.sender.forget()
        self.channels.forget()
        for record in (self.settings, self.fetched, self.deliveries, self.refused):
            record.clear()
        self._apply()

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep; what is on its way counts as it stands."""
        for conversation in self.conversations.values():
            for message in conversation.messages:
                message.status = self.status_of(message)
        return super().as_json()

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned; channels and what was on its way are gone."""
        # An older version kept what is agreed apart.
        switches = {**kept.get("setup", {}), **kept["switches"]}
        super().restore({**kept, "switches": switches})
        self._apply()


def _require_uuid(value: str) -> None:
    try:
        uuid.UUID(value)
    except ValueError as error:
        raise DeskError(400, "integration_id must be a UUID.") from error
