"""The simulated org: its switches, its records, and the one way an entry comes into being."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from integrations.simulators.records import Records
from integrations.simulators.switches import Switches
from integrations.simulators.world import World
from integrations.vendors.salesforce_messaging.simulator.events import EventLog
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    EndUser,
    Entry,
    now_ms,
)
from integrations.vendors.salesforce_messaging.simulator.tokens import TokenOffice

# Entry type -> event name on the stream.
EVENT_NAMES = {
    "Message": "CONVERSATION_MESSAGE",
    # The contract has no names for these two: they are made as the others are.
    "MessageUpdated": "CONVERSATION_MESSAGE_UPDATED",
    "MessageDeliveryFailed": "CONVERSATION_MESSAGE_DELIVERY_FAILED",
    "ParticipantChanged": "CONVERSATION_PARTICIPANT_CHANGED",
    "RoutingResult": "CONVERSATION_ROUTING_RESULT",
    "RoutingWorkResult": "CONVERSATION_ROUTING_WORK_RESULT",
    "TypingStartedIndicator": "CONVERSATION_TYPING_STARTED_INDICATOR",
    "TypingStoppedIndicator": "CONVERSATION_TYPING_STOPPED_INDICATOR",
    "DeliveryAcknowledgement": "CONVERSATION_DELIVERY_ACKNOWLEDGEMENT",
    "ReadAcknowledgement": "CONVERSATION_READ_ACKNOWLEDGEMENT",
    "SessionStatusChanged": "CONVERSATION_SESSION_STATUS_CHANGED",
    "CloseConversation": "CONVERSATION_CLOSE_CONVERSATION",
    "QueuePosition": "CONVERSATION_QUEUE_POSITION",
    "ProgressIndicator": "CONVERSATION_PROGRESS_INDICATOR",
}
# The contract does not say which entries the history holds; passing ones are left out.
PASSING_TYPES = {
    "TypingStartedIndicator",
    "TypingStoppedIndicator",
    "DeliveryAcknowledgement",
    "ReadAcknowledgement",
    "QueuePosition",
    "ProgressIndicator",
}
SYSTEM_NAME = "Automated Process"
FILE_PATH = "/sfc/file/{file_id}"
CONTENT_PATH = "/sfc/content/{file_id}"


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


class Org(World[OrgSwitches, Conversation]):
    """Everything one simulated org knows."""

    kept_values: ClassVar[tuple[str, ...]] = ("channel_address_identifier", "channel_platform_key")

    def __init__(
        self, org_id: str, es_developer_name: str, switches: OrgSwitches, *, path_prefix: str = ""
    ) -> None:
        super().__init__(switches, Records(Conversation, "conversation_id"))
        self.org_id = org_id
        self.es_developer_name = es_developer_name
        self.path_prefix = path_prefix
        self.channel_address_identifier = str(uuid.uuid4())
        self.channel_platform_key = str(uuid.uuid4())
        self.tokens = self.part("tokens", TokenOffice(org_id))
        self.events = self.part("events", EventLog(self.lock))
        self.end_users = self.part("end_users", Records(EndUser, "subject"))

    def configure(self, **switches: Any) -> None:
        """Change switches; `register_key` puts a customer's public key on the keyset."""
        key = switches.pop("register_key", None)
        super().configure(**switches)
        if key is not None:
            self.tokens.keyset.register(**key)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, the org's names and the ids of the registered keys."""
        return {
            **super().configuration(),
            "org_id": self.org_id,
            "es_developer_name": self.es_developer_name,
            "registered_keys": sorted(self.tokens.keyset),
        }

    # -- Entries ------------------------------------------------------------------------------

    def emit(
        self,
        conversation: Conversation,
        entry_type: str,
        payload: Mapping[str, Any],
        *,
        sender: Mapping[str, str] | None = None,
        sender_name: str = SYSTEM_NAME,
        identifier: str | None = None,
        related: list[str] | None = None,
        hidden_from_client: str | None = None,
    ) -> Entry:
        """Add an entry to a conversation and publish it to its end user."""
        identifier = identifier or str(uuid.uuid4())
        entry = self._entry(
            entry_type,
            identifier,
            {"entryType": entry_type, "id": identifier, **payload},
            sender=sender,
            sender_name=sender_name,
        )
        if entry_type not in PASSING_TYPES:
            conversation.entries.append(entry)
        self.events.publish(
            conversation.subject,
            EVENT_NAMES[entry_type],
            json.dumps(self.envelope(conversation, entry, related)),
            hidden_from_client=hidden_from_client,
        )
        return entry

    def _entry(
        self,
        entry_type: str,
        identifier: str,
        payload: dict[str, Any],
        *,
        sender: Mapping[str, str] | None = None,
        sender_name: str = SYSTEM_NAME,
    ) -> Entry:
        now = now_ms()
        return Entry(
            identifier=identifier,
            entry_type=entry_type,
            payload=payload,
            sender=dict(sender or self.system_participant()),
            sender_name=sender_name,
            client_timestamp=now,
            transcripted_timestamp=now,
        )

    def envelope(
        self, conversation: Conversation, entry: Entry, related: list[str] | None = None
    ) -> dict[str, Any]:
        """Return an entry as it travels on the stream: its payload is a JSON string there."""
        latest = [conversation.sessions[-1].session_id] if conversation.sessions else []
        return {
            "channelPlatformKey": self.channel_platform_key,
            "channelType": "embedded_messaging",
            "channelAddressIdentifier": self.channel_address_identifier,
            "conversationId": conversation.conversation_id,
            "conversationEntry": {
                "senderDisplayName": entry.sender_name,
                "identifier": entry.identifier,
                "entryType": entry.entry_type,
                "entryPayload": json.dumps(entry.payload),
                "sender": entry.sender,
                "contextParamMap": {},
                "visibilityStrategy": "Default",
                "relatedRecords": latest if related is None else related,
                "transcriptedTimestamp": entry.transcripted_timestamp,
                "clientTimestamp": entry.client_timestamp,
                "clientDuration": 0,
            },
        }

    def publish_broken_payload(self, conversation: Conversation, identifier: str) -> None:
        """Publish a message whose envelope is good and whose payload does not parse."""
        entry = self._entry("Message", identifier, {})
        envelope = self.envelope(conversation, entry)
        envelope["conversationEntry"]["entryPayload"] = '{"entryType": "Message", "abstractMess'
        self.events.publish(conversation.subject, EVENT_NAMES["Message"], json.dumps(envelope))

    def say_again(self, conversation: Conversation, entry: Entry) -> None:
        """Publish an entry once more, under the id its event had."""
        name, identifier = EVENT_NAMES[entry.entry_type], json.dumps(entry.identifier)
        self.events.say_again(
            conversation.subject,
            lambda event: event.name == name and f'"identifier": {identifier}' in event.data,
        )

    def system_participant(self) -> dict[str, str]:
        """Return the sender of what nobody said."""
        return {
            "role": "System",
            "appType": "conversation",
            "subject": self.org_id,
            "clientIdentifier": self.channel_address_identifier,
        }

    def file_url(self, file_id: str) -> str:
        """Return the address a file is fetched from, without a token."""
        return f"{self.base_url}{self.path_prefix}{FILE_PATH.format(file_id=file_id)}"

    def content_url(self, file_id: str) -> str:
        """Return where a file's address leads to, if it is redirected."""
        return f"{self.path_prefix}{CONTENT_PATH.format(file_id=file_id)}"

    def queue_of(self, name: str) -> list[Conversation]:
        """Return the conversations waiting in a queue, first come first."""
        waiting = [
            conversation
            for conversation in self.conversations.values()
            if (session := conversation.session) and session.is_waiting and session.queue == name
        ]
        return sorted(waiting, key=lambda conversation: conversation.sessions[-1].started_at)

    # -- End users ----------------------------------------------------------------------------

    def anonymous_end_user(self) -> EndUser:
        """Add an end user nobody knows; every anonymous token makes a new one."""
        subject = f"v2/iamessage/ANON/{uuid.uuid4()}"
        return self._end_user(subject, is_authenticated=False, display_name="Guest")

    def verified_end_user(self, customer_id: str) -> EndUser:
        """Return the end user of a verified `sub`, the same one every time."""
        subject = f"v2/iamessage/AUTH/Portal_Keyset/uid:{customer_id}"
        return self._end_user(subject, is_authenticated=True, display_name=customer_id)

    def _end_user(self, subject: str, *, is_authenticated: bool, display_name: str) -> EndUser:
        return self.end_users.setdefault(
            subject,
            EndUser(subject=subject, is_authenticated=is_authenticated, display_name=display_name),
        )
