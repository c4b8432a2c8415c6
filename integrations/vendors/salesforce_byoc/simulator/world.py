"""What the pretend organization holds: its channel, conversations, tokens and platform events."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.desk import DeskError
from integrations.simulators.events.faults import EventFaults
from integrations.simulators.records import Records, desk_message
from integrations.simulators.switches import Switches
from integrations.simulators.world import World
from integrations.vendors.salesforce_byoc.simulator.crm import Crm

ORG_ID = "00D8Y0000012abc"
CHANNEL = "7c0b7d5e-51a9-4c35-8a20-0f6d2f4b9e11"
DEFINITION = "Portal_PortalOtt"
TOPIC = "/event/Portal_Out__e"
CONSUMER_KEY = "3MVG9simulatedConsumerKey0001"
CONSUMER_SECRET = "simulated-consumer-secret"  # noqa: S105 - of a pretence
INTEGRATION_USER = "portal@birchline.example"
QUEUE_ID = "00G8Y000000TeSt"
QUEUE = "Support"
SYSTEM = {"role": "System", "appType": "conversation", "subject": "system"}


@dataclass
class ByocSwitches(Switches):
    """What an admin set up in Salesforce, and how it behaves."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "routing_owner": ("Salesforce", "Partner")
    }

    consumer_key: str = CONSUMER_KEY
    consumer_secret: str = CONSUMER_SECRET
    # The certificate of the app: without one there is no JWT bearer flow.
    public_key_pem: str = ""
    # Of the integration user, with the security token behind it.
    password_and_token: str = "simulated-passwordT0ken"  # noqa: S105 - of a pretence
    is_user_approved: bool = True
    has_interaction_scope: bool = True
    is_product_enabled: bool = True
    is_channel_active: bool = True
    agents_offline: bool = False
    routing_owner: str = "Salesforce"
    # Parameter of the channel -> field of the Messaging Session, where both are declared.
    custom_parameters: dict[str, str] = field(default_factory=dict)
    estimated_wait_seconds: int = 95
    # Whether events have the entry beside the recipient, as one page shows it.
    flat_events: bool = False
    hold_seconds: float = 110.0


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One end user's thread on the channel, with its sessions."""

    conversation_id: str
    subject: str
    attributes: dict[str, str] = field(default_factory=dict)
    status: str = "ended"  # of the newest session: queued, active, ended
    queue: str = QUEUE
    sessions: list[dict[str, Any]] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)
    had_agent: bool = False
    is_typing: bool = False
    ended_by: str | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    # What its messages offered: identifiers by message.
    offers: dict[str, list[str]] = field(default_factory=dict)
    started_at: str = field(default_factory=lambda: now_text())

    @property
    def session_id(self) -> str:
        """Return the newest session's id."""
        return str(self.sessions[-1]["id"])

    def add(self, speaker: str, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Keep a message in the desk's shape."""
        facts = {"order": len(self.messages), "at": now_text(), **more}
        message = desk_message(speaker, name, text, **facts)
        self.messages.append(message)
        return message


class ByocWorld(World[ByocSwitches, Conversation]):
    """One organization with one channel of its own."""

    kept_values: ClassVar[tuple[str, ...]] = ("tokens", "events", "newest", "capabilities")
    agreed_switches: ClassVar[tuple[str, ...]] = (
        *("consumer_key", "consumer_secret", "public_key_pem", "custom_parameters"),
    )

    def __init__(self, switches: ByocSwitches) -> None:
        super().__init__(switches, Records(Conversation, "conversation_id"))
        self.tokens: list[str] = []
        self.events: list[dict[str, Any]] = []
        # The newest replay id, and the newest time.
        self.newest = 1000
        self.capabilities: dict[str, Any] = {}
        self.crm = Crm()
        self.faults: EventFaults[dict[str, Any]] = EventFaults()
        self.on_event: Callable[[], None] = lambda: None
        self._clock = 0

    def forget(self) -> None:
        """Forget conversations and tokens; what the admin agreed with the portal stays."""
        super().forget()
        self.tokens.clear()
        self.capabilities.clear()
        self.crm.forget()
        self.faults.forget()

    def issue(self) -> str:
        """Give out an access token."""
        token = f"{ORG_ID}!{secrets.token_urlsafe(32)}"
        self.tokens.append(token)
        return token

    def now(self) -> int:
        """Return this moment in milliseconds, later than any before."""
        self._clock = max(self._clock + 1, int(time.time() * 1000))
        return self._clock

    # -- Conversations ------------------------------------------------------------------------

    def of_subject(self, subject: str) -> Conversation | None:
        """Return an end user's thread."""
        found = self.conversations.values()
        return next((one for one in found if one.subject == subject), None)

    def establish(self, subject: str, attributes: Mapping[str, str]) -> Conversation:
        """Return the open conversation of an end user, or open a session in their thread."""
        known = self.of_subject(subject)
        conversation = known or self.conversations.add(
            Conversation(conversation_id=str(uuid.uuid4()), subject=subject)
        )
        if conversation.status == "ended":
            conversation.attributes = dict(attributes)
            self._open(conversation)
        return conversation

    def _open(self, conversation: Conversation) -> None:
        session_id = f"0Mw{secrets.token_hex(6)}"
        conversation.sessions.append({"id": session_id, "status": "Waiting"})
        conversation.status, conversation.ended_by = "queued", None
        conversation.had_agent = False
        self.tell_status(conversation, "New", "Waiting")
        if self.switches.routing_owner == "Salesforce":
            self.route(conversation, QUEUE_ID, "Initial")
            self.say_automatically(conversation, "Thanks, an agent will be with you.")

    def route(self, conversation: Conversation, queue_id: str, routing_type: str) -> None:
        """Put a conversation into a queue, or say that nobody is there."""
        conversation.queue = QUEUE if queue_id == QUEUE_ID else queue_id
        refused = self.switches.agents_offline
        self.tell(
            conversation,
            "RoutingResult",
            {
                "routingType": routing_type,
                "failureType": "RoutingError" if refused else "None",
                "errorMessages": ["No agent is available"] if refused else [],
                "recordId": conversation.session_id,
                "isExternallyRouted": False,
                "estimatedWaitTime": {
                    "isEWTRequested": True,
                    "estimatedWaitTimeInSeconds": self.switches.estimated_wait_seconds,
                },
            },
        )

    def say_automatically(self, conversation: Conversation, text: str) -> None:
        """Send an automatic response of the channel's."""
        self.tell_message(conversation, SYSTEM, "Automated Process", text_message(text), True)
        conversation.add("system", "Automated Process", text)

    def finish(self, conversation: Conversation, role: str) -> None:
        """End the session, whoever ended it."""
        before = "Active" if conversation.status == "active" else "Waiting"
        conversation.status, conversation.ended_by = "ended", role
        for name, subject in list(conversation.agents.items()):
            self.tell_participant(conversation, "remove", name, subject)
        conversation.agents.clear()
        conversation.sessions[-1]["status"] = "Ended"
        self.tell_status(conversation, before, "Ended", role)

    # -- Entries and events -------------------------------------------------------------------

    def tell_status(
        self, conversation: Conversation, before: str, after: str, role: str | None = None
    ) -> None:
        """Tell how the session stands."""
        self.tell(
            conversation,
            "SessionStatusChanged",
            {
                "sessionId": conversation.session_id,
                "sessionStatus": after,
                "sessionStatusPrev": before,
                "sessionEndedByRole": role,
                "sessionStartTime": self.now() // 1000,
                "conversationIdentifier": conversation.conversation_id,
                "channelAddressIdentifier": CHANNEL,
            },
        )

    def tell_participant(
        self, conversation: Conversation, operation: str, name: str, subject: str
    ) -> None:
        """Tell who came or went."""
        participant = {"role": "Agent", "appType": "agent", "subject": subject}
        change = {"operation": operation, "displayName": name, "participant": participant}
        self.tell(conversation, "ParticipantChanged", {"entries": [change]}, name=name)

    def tell_message(
        self,
        conversation: Conversation,
        sender: Mapping[str, str],
        name: str,
        message: Mapping[str, Any],
        is_automatic: bool = False,
    ) -> dict[str, Any]:
        """Tell a message, under the message's own id."""
        reason = "AutomatedResponse" if is_automatic else None
        payload = {"abstractMessage": dict(message), "messageReason": reason}
        message_id = str(message["id"])
        return self.tell(
            conversation, "Message", payload, sender=sender, name=name, identifier=message_id
        )

    def tell(
        self,
        conversation: Conversation,
        kind: str,
        payload: Mapping[str, Any],
        *,
        sender: Mapping[str, str] = SYSTEM,
        name: str = "Automated Process",
        identifier: str = "",
        is_published: bool = True,
    ) -> dict[str, Any]:
        """Keep an entry of the conversation's, and publish it as a platform event."""
        entry_id, stamp = identifier or str(uuid.uuid4()), self.now()
        entry = {
            "entryType": kind,
            "identifier": entry_id,
            "clientTimestamp": stamp,
            "clientDuration": 0,
            "transcriptedTimestamp": stamp,
            "senderDisplayName": name,
            "sender": dict(sender),
            "relatedRecords": payload_related(conversation, payload),
            "entryPayload": {"entryType": kind, "id": entry_id, **payload},
        }
        conversation.entries.append(entry)
        if is_published:
            self.publish(conversation, entry)
        return entry

    def publish(self, conversation: Conversation, entry: Mapping[str, Any]) -> None:
        """Publish an entry on the channel's topic, in one of the two shapes."""
        recipient = {"appType": "custom", "subject": conversation.subject, "role": "EndUser"}
        address = {"channelAddressIdentifier": CHANNEL, "recipient": recipient}
        if self.switches.flat_events:
            body = {**address, **entry}
        else:
            body = {
                "conversationIdentifier": conversation.conversation_id,
                **address,
                "payload": dict(entry),
            }
        self.publish_raw("Interaction", json.dumps(body), lane=conversation.conversation_id)

    def publish_raw(self, kind: str, text: str, *, lane: str = "") -> None:
        """Publish whatever it is."""
        payload = {
            "CreatedDate": now_text(),
            "CreatedById": "0058Y00000AUTO",
            "EventType__c": kind,
            "Payload__c": text,
        }
        for arriving in self.faults.arriving(payload, lane=lane):
            # A repeat is the same event: it has the number that it had.
            if not (self.events and self.events[-1]["payload"] is arriving):
                self.newest += 2  # numbers grow, with gaps
            self.events.append({"replayId": self.newest, "payload": arriving})
        self.on_event()

    def ask_for_routing(self, conversation: Conversation, wanted: Mapping[str, Any]) -> None:
        """Ask the partner who owns routing to route a conversation."""
        body = {
            "channelAddressIdentifier": CHANNEL,
            "payload": {
                "conversationIdentifier": conversation.conversation_id,
                "routingType": "Transfer",
                "workRecordId": conversation.session_id,
                "routingParameters": {
                    "queueId": None,
                    "flowId": None,
                    "userId": None,
                    "skillsList": None,
                    "isTransfer": True,
                    "channelData": json.dumps({"eventId": str(uuid.uuid4())}),
                    **wanted,
                },
            },
        }
        self.publish_raw("RoutingRequested", json.dumps(body))

    def require_open(self, conversation: Conversation) -> None:
        """Refuse what is over."""
        if conversation.status == "ended":
            raise DeskError(409, "The messaging session has ended.")


def payload_related(conversation: Conversation, payload: Mapping[str, Any]) -> list[str]:
    """Return the records of an entry; of an acknowledgement, what it is about."""
    about = payload.get("acknowledgedConversationEntryIdentifier")
    return [about or conversation.session_id] if conversation.sessions else []


def text_message(text: str) -> dict[str, Any]:
    """Return a plain text as an abstractMessage."""
    return {
        "id": str(uuid.uuid4()),
        "messageType": "StaticContentMessage",
        "inReplyToMessageId": None,
        "staticContent": {"formatType": "Text", "text": text},
    }


def agent_subject(name: str) -> str:
    """Return a live agent's user id."""
    return f"005{uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:12]}"


def now_text() -> str:
    """Return this moment."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def desk_view(world: ByocWorld, one: Conversation) -> dict[str, Any]:
    """Return a conversation in the shape that all desks share."""
    declared = world.switches.custom_parameters
    return {
        "id": one.conversation_id,
        "status": one.status,
        "queue": one.queue,
        "attributes": dict(one.attributes),
        "language": None,
        "end_user": {
            "subject": one.subject,
            "is_authenticated": one.attributes.get("Chat_Consumer_Type") == "authenticated",
            "display_name": one.attributes.get("_firstName") or "Guest",
        },
        "is_typing": one.is_typing,
        "is_closed": one.status == "ended",
        "agents": list(one.agents),
        "routing_status": "waiting" if one.status == "queued" else None,
        "session_status": one.sessions[-1]["status"] if one.sessions else "",
        "session_ended_by": one.ended_by,
        "session_fields": {
            name: one.attributes[parameter]
            for parameter, name in declared.items()
            if parameter in one.attributes
        },
        "sessions": list(one.sessions),
        "started_at": one.started_at,
        "messages": list(one.messages),
        "timeline": [],
    }
