"""What events carry, to endpoints and to agents' sockets.

/api/asyncapi is made of these types, and the tests hold what is sent against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from conversations.webhooks.event_types import WebhookType

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ToldAttempt(TypedDict):
    """One integration that was tried."""

    attempt: int
    integration: str
    error_code: str


class ToldHandoff(TypedDict):
    """How a handoff stood: the object of `expand=handoff`."""

    id: str
    integration: str
    status: Literal["handoff_initiated", "handoff_completed", "handoff_failed"]
    state: Literal["requested", "connecting", "queued", "active", "ended", "failed"]
    reason: str
    reason_code: str
    destination: str
    utterance: str
    agent_name: str
    vendor_conversation_id: str
    queue: str
    requested_at: Moment | None
    accepted_at: Moment | None
    joined_at: Moment | None
    ended_at: Moment | None
    end_reason: Annotated[str, Field(description="Why it ended, or the error code.")]
    attempt: int
    attempts: list[ToldAttempt]


class ToldQueueStatus(TypedDict):
    """What the vendor tells of the wait."""

    queue_name: NotRequired[str]
    position_in_queue: NotRequired[int]
    estimated_wait_seconds: NotRequired[int]
    display_message: NotRequired[str]


class ToldQueue(ToldHandoff):
    """A handoff, and its place in the queue."""

    queue_status: ToldQueueStatus


class ToldPerson(TypedDict):
    """A live agent."""

    id: str
    name: str


class ToldAgent(ToldHandoff):
    """A handoff, and who has come or gone."""

    agent: ToldPerson


class ToldUser(TypedDict):
    """An end user."""

    id: str
    is_verified: bool
    name: str
    email: str


class ToldStart(TypedDict):
    """A conversation that began."""

    session_id: str
    channel_type: str
    language: str
    variant_id: str
    user: ToldUser
    started_at: Moment


class ToldEnd(ToldStart):
    """A conversation that is over."""

    ended_at: Moment
    reason: str
    detail: str


class ToldMessage(TypedDict):
    """A line of the journal, with what else it has, such as `answer` and `content`."""

    sender: Literal["user", "bot", "live_agent"]
    sequence: Annotated[int, Field(ge=1)]
    message_id: str
    text: str
    attachments: list[dict[str, Any]]
    created_at: Moment


class ToldSurvey(TypedDict):
    """What an end user said of a conversation."""

    subject: str
    scale: int
    score: Annotated[int | None, Field(description="Of whoever was asked about last.")]
    scores: dict[str, int | None]
    comment: str
    is_skipped: bool
    asked_at: Moment | None
    deadline_at: Moment | None
    answered_at: Moment | None


class ToldConnection(TypedDict):
    """How a connection to a vendor stands."""

    integration: str
    connector: str
    credential_set: str
    state: str
    state_before: str
    error_code: str


class ToldAlert(TypedDict):
    """Something that is wrong, or was."""

    alert_id: int
    kind: Literal["connection", "failing", "lag", "no_worker", "expiry"]
    title: str
    detail: str
    raised_at: Moment
    cleared_at: Moment | None


class Told(TypedDict):
    """The body of a webhook, which is a frame of an agent's socket too."""

    id: Annotated[str, Field(description="A UUID: the same when it comes again.")]
    type: str
    created_at: Moment
    account_id: str
    project_id: str
    client_env: str | None
    conversation_id: str | None
    shared_id: str | None


DATA: Mapping[WebhookType, type] = {
    WebhookType.HANDOFF_REQUESTED: ToldHandoff,
    WebhookType.HANDOFF_ACCEPTED: ToldHandoff,
    WebhookType.HANDOFF_QUEUE_UPDATED: ToldQueue,
    WebhookType.HANDOFF_AGENT_JOINED: ToldAgent,
    WebhookType.HANDOFF_AGENT_LEFT: ToldAgent,
    WebhookType.HANDOFF_ENDED: ToldHandoff,
    WebhookType.HANDOFF_FAILED: ToldHandoff,
    WebhookType.HANDOFF_TIMEOUT: ToldHandoff,
    WebhookType.CONVERSATION_STARTED: ToldStart,
    WebhookType.CONVERSATION_ENDED: ToldEnd,
    WebhookType.MESSAGE_CREATED: ToldMessage,
    WebhookType.CSAT_SUBMITTED: ToldSurvey,
    WebhookType.CONNECTION_STATE_CHANGED: ToldConnection,
    WebhookType.ALERTS_TRIGGERED: ToldAlert,
    WebhookType.ALERTS_RESOLVED: ToldAlert,
}
