"""What can be set on the simulated account and instance, and how often it may be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from integrations.simulators.switches import Switches as AnySwitches

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
