"""The widget's vocabulary: names, frames, and what travels over the channel layer."""

from __future__ import annotations

import enum
import uuid
from typing import Any, Literal, NotRequired

from django.utils import timezone
from typing_extensions import TypedDict

from conversations.models import Event

PREFIX = "EVENT_TYPE_"
# Types of ours that only a client which reads SESSION_START's list may use.
EXTENSIONS = (
    "USER_CANCEL_HANDOFF",
    "USER_READ_MESSAGE",
    "USER_RECEIVED_MESSAGE",
    "USER_RETRY_MESSAGE",
)
# What a client may name when it opens a session, for frames that say more than PolyAI's.
CLIENT_EXTENSIONS = ("rich_content", "message_changes")


class EventType(enum.StrEnum):
    """Names of agent_api 11 without their prefix."""

    SESSION_START = "SESSION_START"
    EVENT_BATCH = "EVENT_BATCH"
    REQUEST_POLY_AGENT_JOIN = "REQUEST_POLY_AGENT_JOIN"
    USER_MESSAGE = "USER_MESSAGE"
    USER_TYPING = "USER_TYPING"
    USER_END_SESSION = "USER_END_SESSION"
    USER_CANCEL_HANDOFF = "USER_CANCEL_HANDOFF"
    USER_READ_MESSAGE = "USER_READ_MESSAGE"
    USER_RECEIVED_MESSAGE = "USER_RECEIVED_MESSAGE"
    USER_RETRY_MESSAGE = "USER_RETRY_MESSAGE"
    HEARTBEAT = "HEARTBEAT"
    POLY_AGENT_JOINED = "POLY_AGENT_JOINED"
    POLY_AGENT_THINKING = "POLY_AGENT_THINKING"
    POLY_AGENT_MESSAGE = "POLY_AGENT_MESSAGE"
    POLY_AGENT_MESSAGE_CHUNK = "POLY_AGENT_MESSAGE_CHUNK"
    POLY_AGENT_TRIGGERED_HANDOFF = "POLY_AGENT_TRIGGERED_HANDOFF"
    POLY_AGENT_LEFT = "POLY_AGENT_LEFT"
    CLIENT_HANDOFF_REQUIRED = "CLIENT_HANDOFF_REQUIRED"
    HANDOFF_ACCEPTED = "HANDOFF_ACCEPTED"
    HANDOFF_QUEUE_STATUS = "HANDOFF_QUEUE_STATUS"
    HANDOFF_FAILED = "HANDOFF_FAILED"
    HANDOFF_TIMEOUT = "HANDOFF_TIMEOUT"
    LIVE_AGENT_JOINED = "LIVE_AGENT_JOINED"
    LIVE_AGENT_TYPING = "LIVE_AGENT_TYPING"
    LIVE_AGENT_MESSAGE = "LIVE_AGENT_MESSAGE"
    LIVE_AGENT_MESSAGE_CHANGED = "LIVE_AGENT_MESSAGE_CHANGED"
    LIVE_AGENT_LEFT = "LIVE_AGENT_LEFT"
    LIVE_AGENT_READ_MESSAGE = "LIVE_AGENT_READ_MESSAGE"
    LIVE_AGENT_RECEIVED_MESSAGE = "LIVE_AGENT_RECEIVED_MESSAGE"
    LANGUAGE_CHANGED = "LANGUAGE_CHANGED"
    SESSION_IDLE_WARNING = "SESSION_IDLE_WARNING"
    SHOW_CSAT_REQUEST = "SHOW_CSAT_REQUEST"
    CSAT_RESPONSE = "CSAT_RESPONSE"
    SYSTEM_MESSAGE = "SYSTEM_MESSAGE"
    SESSION_END = "SESSION_END"


class Level(enum.StrEnum):
    """Levels of a SYSTEM_MESSAGE; errors are not journaled."""

    INFO = "SYSTEM_MESSAGE_LEVEL_INFO"
    WARNING = "SYSTEM_MESSAGE_LEVEL_WARNING"
    ERROR = "SYSTEM_MESSAGE_LEVEL_ERROR"


class SessionEnd(enum.StrEnum):
    """Reasons of a SESSION_END."""

    USER_END = "REASON_USER_END"
    USER_ABANDONED = "REASON_USER_ABANDONED"
    NATURAL_END = "REASON_NATURAL_END"


class Frame(TypedDict):
    """One frame to the client; `sequence` is null for transient events."""

    id: str
    sequence: int | None
    timestamp: str
    type: str
    payload: dict[str, Any]
    metadata: NotRequired[dict[str, Any]]


class ConversationChanged(TypedDict):
    """Channel layer: journal lines were added; the frames spare a read when none is missing."""

    type: Literal["conversation.changed"]
    frames: list[Frame]


class ConversationTransient(TypedDict):
    """Channel layer: something that is shown now or never."""

    type: Literal["conversation.transient"]
    frame: Frame


class StreamGrown(TypedDict):
    """Channel layer: a project's agent has something to read."""

    type: Literal["stream.grown"]


class MemberChanged(TypedDict):
    """Channel layer: what a member of the portal may look at has changed."""

    type: Literal["member.changed"]


class DirectDelivery(TypedDict):
    """A new message for the vendor before which none waits; `at` is when, in seconds since 1970."""

    id: int
    message_id: str
    text: str
    at: float
    correlation_id: NotRequired[str]


class RelayWake(TypedDict):
    """Channel layer: there is something to do for a handoff that the worker owns.

    With `delivery` it is this message and nothing else, which spares a read.
    """

    type: Literal["relay.wake"]
    handoff_id: str
    delivery: NotRequired[DirectDelivery]


# How far a live agent's message came; failed is what nobody can get any more.
Receipt = Literal["delivered", "read", "failed"]


class RelaySignal(TypedDict):
    """Channel layer: typing, absence or a receipt of the end user, worth nothing if it is late."""

    type: Literal["relay.signal"]
    handoff_id: str
    signal: Literal["typing_started", "typing_stopped", "away", "back"] | Receipt
    vendor_message_id: str


def frame_of(event: Event) -> Frame:
    """Return the frame of a journal line."""
    frame: Frame = {
        "id": str(event.id),
        "sequence": event.sequence,
        "timestamp": event.created_at.isoformat(timespec="milliseconds"),
        "type": PREFIX + event.type,
        "payload": event.payload,
    }
    if event.metadata is not None:
        frame["metadata"] = event.metadata
    return frame


def transient_frame(
    event_type: EventType, payload: dict[str, Any], metadata: dict[str, Any] | None = None
) -> Frame:
    """Return a frame that is not in the journal."""
    frame: Frame = {
        "id": str(uuid.uuid4()),
        "sequence": None,
        "timestamp": timezone.now().isoformat(timespec="milliseconds"),
        "type": PREFIX + event_type,
        "payload": payload,
    }
    if metadata is not None:
        frame["metadata"] = metadata
    return frame


def error_frame(code: str, message: str, metadata: dict[str, Any] | None = None) -> Frame:
    """Return a SYSTEM_MESSAGE of level ERROR, with the client's own metadata returned."""
    payload = {"level": Level.ERROR, "message": message, "code": code}
    return transient_frame(EventType.SYSTEM_MESSAGE, payload, metadata)
