"""The simulated Genesys Cloud org: its set-up, its records, and how it looks things up."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.simulators.simulator import DeskError
from integrations.simulators.webhooks import RetryPlan, WebhookDelivery, WebhookSender
from integrations.vendors.genesys.simulator.channels import ChannelOffice
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    StoredFile,
    conversation_as_dict,
    conversation_from_dict,
    named_id,
    new_id,
    now_ms,
)
from integrations.vendors.genesys.simulator.switches import Switches
from integrations.vendors.genesys.simulator.tokens import TokenOffice

SECRET_LENGTH = 16
DELIVERY_STATUSES = {"pending": "queued", "delivered": "sent", "failed": "failed"}


@dataclass(slots=True, kw_only=True)
class Setup:
    """What an admin agrees with the portal; survives a reset."""

    client_id: str = "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10"
    client_secret: str = field(default="simulated-client-secret", repr=False)
    integration_id: str = "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42"
    integration_name: str = "Portal shop chat"
    webhook_url: str = ""
    webhook_secret: str = field(default="portal-secret-0123456789", repr=False)

    def change(self, values: Mapping[str, Any]) -> None:
        """Take over new values; raises DeskError for one that Genesys would not store."""
        for name, value in values.items():
            if not isinstance(value, str) or (not value and name != "webhook_url"):
                raise DeskError(400, f"{name} must be a text.")
        if len(values.get("webhook_secret", "x" * SECRET_LENGTH)) < SECRET_LENGTH:
            raise DeskError(400, "webhook_secret must be longer than 15 characters.")
        if "integration_id" in values:
            _uuid(values["integration_id"])
        for name, value in values.items():
            setattr(self, name, value)


SETUP_NAMES = tuple(Setup.__dataclass_fields__)


class Org:
    """Everything one simulated org knows."""

    def __init__(self, lock: threading.RLock) -> None:
        self.setup = Setup()
        self.switches = Switches()
        self.base_url = ""
        self.tokens = TokenOffice()
        self.channels = ChannelOffice(lock)
        self.sender = WebhookSender(user_agent="Genesys-Simulator")
        self.division_id = named_id("division", "Home")
        self.flow_id = named_id("flow", "Inbound message flow")
        self.integrations: dict[str, Integration] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, Conversation] = {}
        self.files: dict[str, StoredFile] = {}
        # Attachment address -> what the end user's file holds, once it was fetched.
        self.fetched: dict[str, bytes] = {}
        self.refused: set[str] = set()
        self.deliveries: dict[str, WebhookDelivery] = {}
        self._signing_key = secrets.token_bytes(32)
        self.apply_setup()

    # -- Set-up -------------------------------------------------------------------------------

    def apply_setup(self) -> None:
        """Have the one integration of the set-up exist as it says."""
        setup = self.setup
        kept = self.integrations.get(setup.integration_id) or Integration(
            id=setup.integration_id, name="", webhook_url="", secret=""
        )
        kept.name, kept.is_deleted = setup.integration_name, False
        kept.webhook_url, kept.secret = setup.webhook_url, setup.webhook_secret
        kept.flow_id = self.flow_id if self.switches.flow_attached else None
        self.integrations[kept.id] = kept
        self.sender.plan = RetryPlan(
            timeout_seconds=self.switches.webhook_timeout_seconds,
            pauses=(self.switches.webhook_retry_pause_seconds,) * 5,
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

    def waiting_in(self, queue: str) -> list[Conversation]:
        """Return the conversations waiting in a queue, first come first."""
        waiting = [one for one in self.conversations.values() if one.waiting and one.queue == queue]
        return sorted(waiting, key=lambda one: one.waiting.started_at if one.waiting else 0)

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

    def download_url(self, stored: StoredFile) -> str:
        """Return an address from which anybody may fetch a file for a while."""
        expires = int(time.time() + self.switches.download_ttl_seconds)
        signed = self._signature(stored.file_id, expires)
        path = f"/api/v2/downloads/{stored.file_id}"
        return f"{self.base_url}{path}?Expires={expires}&Signature={signed}"

    def is_download_allowed(self, file_id: str, expires: str, signature: str) -> bool:
        """Tell whether a signed address is genuine and not expired."""
        if not expires.isdigit() or int(expires) <= time.time():
            return False
        return hmac.compare_digest(self._signature(file_id, int(expires)), signature)

    def _signature(self, file_id: str, expires: int) -> str:
        signed = f"{file_id}:{expires}".encode()
        return hmac.new(self._signing_key, signed, hashlib.sha256).hexdigest()

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all records, tokens and channels; what the admin set up stays."""
        self.sender.forget()
        self.channels.forget()
        self.tokens.forget()
        records = (self.integrations, self.settings, self.conversations, self.files, self.fetched)
        for record in (*records, self.deliveries):
            record.clear()
        self.refused.clear()

    def as_dict(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        for conversation in self.conversations.values():
            for message in conversation.messages:
                message.status = self.status_of(message)
        return {
            "setup": asdict(self.setup),
            "switches": asdict(self.switches),
            "tokens": self.tokens.as_list(),
            "signing_key": self._signing_key.hex(),
            "integrations": [asdict(one) for one in self.integrations.values()],
            "settings": self.settings,
            "conversations": [conversation_as_dict(one) for one in self.conversations.values()],
            "files": [asdict(one) for one in self.files.values()],
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_dict` returned; channels and what was on its way are gone."""
        self.setup = Setup(**kept["setup"])
        self.switches = Switches(**kept["switches"])
        self.tokens.restore(kept["tokens"])
        self._signing_key = bytes.fromhex(kept["signing_key"])
        self.integrations = {one["id"]: Integration(**one) for one in kept["integrations"]}
        self.settings = dict(kept["settings"])
        conversations = [conversation_from_dict(one) for one in kept["conversations"]]
        self.conversations = {one.id: one for one in conversations}
        self.files = {one["file_id"]: StoredFile(**one) for one in kept["files"]}
        self.apply_setup()

    def add_integration(self, **fields: Any) -> Integration:
        """Begin to create an integration; it is complete a moment later."""
        delay = round(self.switches.integration_create_seconds * 1000)
        made = Integration(id=new_id(), completed_at=now_ms() + delay, **fields)
        self.integrations[made.id] = made
        return made


def _uuid(value: str) -> None:
    try:
        uuid.UUID(value)
    except ValueError as error:
        raise DeskError(400, "integration_id must be a UUID.") from error
