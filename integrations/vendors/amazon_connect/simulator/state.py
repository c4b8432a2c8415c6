"""What the simulated instance holds: its switches, chats, their contacts, what was said."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from integrations.simulators.switches import Switches as AnySwitches
from integrations.vendors.amazon_connect.simulator.protocol import iso_time

ACCESS_KEY_ID = "AKIASIMULATORPORTAL1"
SECRET_ACCESS_KEY = "simulated/Secret+Key/of/the/portals/user1"  # noqa: S105 - of a pretend user
# Operation -> bucket; what is not named here shares the last one of its service.
BUCKETS: Mapping[str, tuple[str, float, float]] = {
    **dict.fromkeys(
        ("StartChatContact", "StartContactStreaming", "StopContactStreaming"), ("start", 5, 8)
    ),
    "CreateParticipantConnection": ("connection", 6, 9),
    "DisconnectParticipant": ("disconnect", 3, 5),
    "GetTranscript": ("transcript", 8, 12),
    **dict.fromkeys(("SendMessage", "SendEvent"), ("send", 10, 15)),
    **dict.fromkeys(("StartAttachmentUpload", "CompleteAttachmentUpload"), ("upload", 2, 5)),
    "GetAttachment": ("attachment", 8, 12),
}
OTHERS = ("connect", 2.0, 5.0)
EVENT = "application/vnd.amazonaws.connect.event."
MESSAGE = "application/vnd.amazonaws.connect.message."
INTERACTIVE = MESSAGE + "interactive"
INTERACTIVE_RESPONSE = MESSAGE + "interactive.response"
CUSTOMER_TYPES = ("text/plain", "text/markdown", "application/json", INTERACTIVE_RESPONSE)
LARGEST_CONTENT = 16_384
# Never stored: they are gone once they have been shown.
PASSING = {EVENT + name for name in ("typing", "participant.idle", "participant.autodisconnection")}
SYSTEM_NAME = "SYSTEM_MESSAGE"
# A chat on its way: connected within five minutes or dead, in its flow, in a queue, with agents,
# in the disconnect flow after the last agent left, over.
CREATED, IN_FLOW, QUEUED = "CREATED", "IN_FLOW", "QUEUED"
AGENT, WRAP, ENDED = "AGENT", "WRAP", "ENDED"


@dataclass(kw_only=True)
class Switches(AnySwitches):
    """Everything an AWS admin could set, and the few things the contract leaves open."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "instance_status": ("CREATION_IN_PROGRESS", "ACTIVE", "CREATION_FAILED"),
        "flow_status": ("PUBLISHED", "SAVED"),
        "message_processing": ("", "REJECTED"),
        "scan_result": ("APPROVED", "REJECTED", "MANUAL"),
    }

    account_id: str = "210987654321"
    region: str = "eu-central-1"
    instance_id: str = "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"
    instance_status: str = "ACTIVE"
    contact_flow_id: str = "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903"
    flow_status: str = "PUBLISHED"
    flow_type: str = "CONTACT_FLOW"
    queue: str = "Support"
    # What the flow sets as its queues, as a flow says it; none is the queue above.
    flow_queues: list[str] = field(default_factory=list)

    # -- Who may do what ----------------------------------------------------------------------
    # Access key id -> secret access key of the users of the account.
    access_keys: dict[str, str] = field(default_factory=lambda: {ACCESS_KEY_ID: SECRET_ACCESS_KEY})
    role_arn: str = "arn:aws:iam::210987654321:role/PortalHandoff"
    # Empty: the trust policy has no condition on it, and any external id will do.
    external_id: str = ""
    may_assume_role: bool = True
    may_tag_session: bool = True
    # For instance "connect:DescribeInstance".
    denied_actions: list[str] = field(default_factory=list)
    # Participant operations that are refused whatever the bearer, for instance "SendMessage".
    refused_operations: list[str] = field(default_factory=list)

    # -- How the instance behaves -------------------------------------------------------------
    greeting: str | None = "Thanks for getting in touch. An agent will be with you shortly."
    agents_offline: bool = False
    agents_available: int = 2
    # What the estimated wait is reckoned from, for each place in the queue.
    seconds_per_chat: float = 90
    # A flow with a staffing check: without agents it says so and ends.
    ends_unstaffed_chats: bool = False
    disconnect_flow: bool = False
    # REJECTED: the instance's message processing keeps the customer's messages back.
    message_processing: str = ""
    survey: str = "How did we do, from 1 to 5?"
    auto_delivered: bool = True
    attachments: bool = True
    scan_result: str = "APPROVED"
    is_chat_duration_enabled: bool = True
    concurrent_chats: int = 100
    hours_start: str = "00:00"
    hours_end: str = "23:59"
    time_zone: str = "Europe/Berlin"
    closed_dates: list[str] = field(default_factory=list)

    # -- Clocks and limits --------------------------------------------------------------------
    connect_within_seconds: float = 300
    token_ttl_seconds: float = 24 * 3600
    url_ttl_seconds: float = 100
    default_duration_minutes: int = 25 * 60
    # How long the desk shows that the end user is typing.
    typing_seconds: float = 10
    enforce_rate_limits: bool = False
    # Not documented: whether a token of a chat that is over still reads the transcript.
    transcript_after_end: bool = True
    # Not documented: what is not listed is refused (True) or taken all the same.
    strict_content_types: bool = True

    # -- The socket ---------------------------------------------------------------------------
    answer_heartbeats: bool = True
    deep_heartbeat_status: int = 200
    # How many of the next subscriptions fail.
    failing_subscriptions: int = 0
    # 0: sockets live on.
    socket_lifetime_seconds: float = 0

    @property
    def instance_arn(self) -> str:
        """Return the instance's ARN."""
        return self.arn(f"instance/{self.instance_id}")

    def arn(self, resource: str) -> str:
        """Return the ARN of something of the Connect service."""
        return f"arn:aws:connect:{self.region}:{self.account_id}:{resource}"


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float


class RateLimits:
    """Token buckets, one for each group of operations, as the admin guide lists them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def takes(self, operation: str) -> bool:
        """Count a request; false means that it came too fast."""
        name, rate, burst = BUCKETS.get(operation, OTHERS)
        now = self._now()
        bucket = self._buckets.setdefault(name, _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + (now - bucket.filled_at) * rate)
        bucket.filled_at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def forget(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()


def new_id() -> str:
    """Return a fresh id."""
    return str(uuid.uuid4())


def named_id(kind: str, name: str) -> str:
    """Return the same id every time for the same name (a queue, a user)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}"))


@dataclass(slots=True, kw_only=True)
class Participant:
    """Somebody in a chat."""

    name: str
    role: str
    participant_id: str = field(default_factory=new_id)


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What one recipient has done with a message."""

    participant_id: str
    delivered_at: float | None = None
    read_at: float | None = None


@dataclass(slots=True, kw_only=True)
class FileReference:
    """A file as an item shows it."""

    attachment_id: str
    name: str
    content_type: str
    status: str


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a chat."""

    item_type: str
    content_type: str
    at_ms: float
    contact_id: str
    content: str | None = None
    sender: Participant | None = None
    item_id: str = field(default_factory=new_id)
    attachments: list[FileReference] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def is_said(self) -> bool:
        """Tell whether somebody said it, as opposed to something having happened."""
        return self.item_type in ("MESSAGE", "ATTACHMENT")

    @property
    def is_of_agent(self) -> bool:
        """Tell whether a live agent is behind it."""
        return self.sender is not None and self.sender.role == "AGENT"

    def receipt_of(self, participant_id: str) -> Receipt:
        """Return a recipient's receipt, made if there is none yet."""
        for receipt in self.receipts:
            if receipt.participant_id == participant_id:
                return receipt
        self.receipts.append(Receipt(participant_id=participant_id))
        return self.receipts[-1]


@dataclass(slots=True, kw_only=True)
class Contact:
    """One contact of a chat; a transfer makes another."""

    contact_id: str
    initiated_at: float
    method: str = "API"
    queue: str = ""
    enqueued_at: float | None = None
    agent_name: str = ""
    connected_at: float | None = None
    disconnected_at: float | None = None
    disconnect_reason: str = ""


@dataclass(slots=True, kw_only=True)
class Streaming:
    """An SNS topic a chat is published to."""

    streaming_id: str
    topic_arn: str


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat from its first contact to its end; named by the first contact's id."""

    customer: Participant
    created_at: float
    duration_minutes: int
    contact_flow_id: str
    attributes: dict[str, str]
    segment_attributes: dict[str, Any]
    supported_types: list[str]
    customer_id: str | None = None
    related_contact_id: str | None = None
    continued_from: str | None = None
    # What was said in the chats that this one continues, oldest first.
    past_items: list[Item] = field(default_factory=list)
    ends_agent_on_exit: bool = False
    state: str = CREATED
    contacts: list[Contact] = field(default_factory=list)
    agents: list[Participant] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    streamings: list[Streaming] = field(default_factory=list)
    # An agent who was ready before the flow had queued the chat.
    waiting_agent: str = ""
    typing_until: float = 0.0
    # The list that the flow shows a page at a time.
    paged_list: dict[str, Any] = field(default_factory=dict)

    @property
    def initial_contact_id(self) -> str:
        """Return the id that stays."""
        return self.contacts[0].contact_id

    @property
    def contact(self) -> Contact:
        """Return the contact the chat is in now."""
        return self.contacts[-1]

    @property
    def has_ended(self) -> bool:
        """Tell whether the chat is over."""
        return self.state == ENDED

    def item(self, item_id: str) -> Item | None:
        """Return an item by its id."""
        return next((item for item in self.items if item.item_id == item_id), None)

    def said_by_customer(self) -> list[Item]:
        """Return what the customer said, oldest first."""
        return [item for item in self.items if item.is_said and item.sender == self.customer]

    def participants(self) -> list[Participant]:
        """Return everybody who is in the chat."""
        return [self.customer, *self.agents]


@dataclass(slots=True, kw_only=True)
class Attachment:
    """A file on its way into a chat, or in it; its bytes are the world's file of the same id."""

    attachment_id: str
    initial_contact_id: str
    name: str
    content_type: str
    size: int
    owner_id: str
    is_complete: bool = False
    status: str = "IN_PROGRESS"


# -- As the services write it ------------------------------------------------------------------


def chat_frame(body: Mapping[str, Any]) -> str:
    """Return an item as it goes over the socket: its content is a JSON text there."""
    return json.dumps(
        {"topic": "aws/chat", "contentType": "application/json", "content": json.dumps(body)}
    )


def present(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without the members that have no value: the services leave those out."""
    return {name: value for name, value in body.items() if value is not None}


def item_body(item: Item) -> dict[str, Any]:
    """Return an item as the services write it; what is absent is left out."""
    body: dict[str, Any] = {
        "AbsoluteTime": iso_time(item.at_ms),
        "Content": item.content,
        "ContentType": item.content_type,
        "Id": item.item_id,
        "Type": item.item_type,
        "ContactId": item.contact_id,
    }
    if item.sender is not None:
        body["ParticipantId"] = item.sender.participant_id
        body["DisplayName"] = item.sender.name
        body["ParticipantRole"] = item.sender.role
    if item.attachments:
        body["Attachments"] = [
            {
                "ContentType": one.content_type,
                "AttachmentId": one.attachment_id,
                "AttachmentName": one.name,
                "Status": one.status,
            }
            for one in item.attachments
        ]
    return present(body)


def receipt_body(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as the services write it."""
    at = {"DeliveredTimestamp": receipt.delivered_at, "ReadTimestamp": receipt.read_at}
    times = {name: iso_time(value) for name, value in at.items() if value is not None}
    return {"RecipientParticipantId": receipt.participant_id, **times}


def forbidden() -> dict[str, str]:
    """Return the gateway's own refusal, which has no topic."""
    connection_id, request_id = uuid.uuid4().hex[:12] + "=", uuid.uuid4().hex[:12] + "="
    return {"message": "Forbidden", "connectionId": connection_id, "requestId": request_id}
