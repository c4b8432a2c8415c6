"""What the frames of a conversation carry: a type for each payload that goes to clients.

/api/asyncapi is made of these types, and the tests hold every frame that is sent against them.
A key that only some clients read, or that is not always known, need not be there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from conversations.journal.frames import EventType, Level, SessionEnd

Uuid = Annotated[str, Field(description="A UUID.")]
Typing = Literal["TYPING_STATE_STARTED", "TYPING_STATE_STOPPED"]


class Nothing(TypedDict):
    """The frame's type says it all."""


class FileLimits(TypedDict):
    """Which files are taken; `max_bytes` 0 takes none."""

    max_bytes: Annotated[int, Field(ge=0)]
    mime: list[str]


class Capabilities(TypedDict):
    """What the portal takes and does in this session."""

    streaming: Annotated[bool, Field(description="Whether POLY_AGENT_MESSAGE_CHUNK comes.")]
    max_message_size_bytes: Annotated[int, Field(description="Of one frame.")]
    max_reconnect_attempts: int
    heartbeat_interval_seconds: int
    extensions: Annotated[
        list[str],
        Field(description="Frames beyond PolyAI's, and what the client named of its own."),
    ]
    attachments: FileLimits


class SessionStart(TypedDict):
    """The first line of every journal."""

    capabilities: Capabilities
    context_id: NotRequired[
        Annotated[str, Field(description="What a token of verified context is bound to.")]
    ]


class AgentJoined(TypedDict):
    """The AI agent answers, for the first time or again."""

    agent_name: str
    agent_avatar_url: str


class Attachment(TypedDict):
    """A link, a picture or a file. `preview_image_url` and `content_url` may be empty."""

    title: str
    preview_image_url: str
    content_url: str
    content_type: Literal[
        "ATTACHMENT_CONTENT_TYPE_URL",
        "ATTACHMENT_CONTENT_TYPE_IMAGE",
        "ATTACHMENT_CONTENT_TYPE_FILE",
    ]
    call_to_action_text: str
    file_id: NotRequired[Uuid]
    file_name: NotRequired[str]
    mime_type: NotRequired[str]
    size_bytes: NotRequired[Annotated[int, Field(ge=0)]]


class Suggestion(TypedDict):
    """A reply to choose; `payload` goes back in `answer`."""

    message_text: str
    payload: NotRequired[str]


class CallAction(TypedDict):
    """A number to call."""

    title: str
    contact_number: str


class Choice(TypedDict):
    """Something to take: a reply that is sent back, a page, a number."""

    payload: str
    label: str
    kind: Literal["reply", "link", "phone"]
    url: NotRequired[str]
    image_url: NotRequired[str]
    description: NotRequired[str]


class Card(TypedDict):
    """A titled text with a picture and choices of its own."""

    title: str
    text: str
    image_url: str
    choices: list[Choice]


class Slot(TypedDict):
    """A time to take."""

    payload: str
    starts_at: Annotated[str, Field(description="ISO 8601.")]
    duration_seconds: int | None
    label: str


class FieldOption(TypedDict):
    """What a select offers."""

    payload: str
    label: str


class FormField(TypedDict):
    """One question of a form; `value` is filled in already."""

    name: str
    label: str
    kind: Literal["text", "email", "number", "date", "select"]
    options: list[FieldOption]
    is_required: bool
    value: str


class Form(TypedDict):
    """Questions that are answered together, by `answer.values`."""

    payload: str
    title: str
    fields: list[FormField]


class UnknownContent(TypedDict):
    """What the vendor sent and nobody here can draw."""

    kind: str
    url: str


class Content(TypedDict):
    """All that a message offers, for clients that named the extension `rich_content`."""

    text: str
    markup: Literal["plain", "markdown"]
    text_form: str
    choices: list[Choice]
    cards: list[Card]
    slots: list[Slot]
    place: str
    form: Form | None
    unknown: UnknownContent | None


class Message(TypedDict):
    """What every message to the end user has."""

    message_id: Uuid
    text: str
    attachments: list[Attachment]
    response_suggestions: list[Suggestion]
    chat_call_actions: list[CallAction]
    content: NotRequired[Content]


class AgentMessage(Message):
    """What the AI agent says; its name and picture are for sessions of mobile apps."""

    agent_name: NotRequired[str]
    avatar_url: NotRequired[str]


class AgentMessageChunk(TypedDict):
    """A piece of what the AI agent says; the whole comes as POLY_AGENT_MESSAGE."""

    message_id: Uuid
    text: str
    attachments: list[Attachment]
    response_suggestions: list[Suggestion]
    chunk_index: Annotated[int, Field(ge=1)]
    is_complete: bool


class LiveAgentMessage(Message):
    """What a live agent, or the vendor's own bot, says."""

    by: Literal["live_agent", "vendor_bot"]
    agent_id: str
    agent_name: str
    avatar_url: NotRequired[Annotated[str, Field(description="For sessions of mobile apps.")]]


class MessageChanged(TypedDict):
    """A live agent has edited or deleted a message; for the extension `message_changes`."""

    message_id: Uuid
    text: str
    is_deleted: bool
    content: NotRequired[Content]


class AnswerGiven(TypedDict):
    """What was taken of a message."""

    message_id: Uuid
    payload: str


class UserMessage(TypedDict):
    """The echo of what the end user says, to every socket of the session."""

    message_id: Uuid
    text: str
    attachments: list[Attachment]
    answer: NotRequired[AnswerGiven]


class OneMessage(TypedDict):
    """It is about this message."""

    message_id: Uuid


class HandoffTriggered(TypedDict):
    """A handoff begins."""

    handoff_id: str


class HandoffAccepted(TypedDict):
    """The vendor has taken the conversation."""

    queue_name: NotRequired[str]


class QueueStatus(TypedDict):
    """What is known of the wait; nothing at all takes back what was shown."""

    queue_name: NotRequired[str]
    position_in_queue: NotRequired[Annotated[int, Field(ge=0)]]
    estimated_wait_seconds: NotRequired[Annotated[int, Field(ge=0)]]
    display_message: NotRequired[str]


class HandoffFailed(TypedDict):
    """Nobody could be reached; `message` is the operator's own sentence."""

    reason: str
    message: NotRequired[str]


class ClientHandoff(TypedDict):
    """The client routes the conversation by itself; the portal opens nothing."""

    reason: Literal["COMPLEX_QUERY", "AGENT_DECISION", "POLICY"]
    queue_name: str
    route: NotRequired[str]


class LiveAgent(TypedDict):
    """A person at the vendor."""

    id: str
    name: str
    avatar_url: str


class LiveAgentJoined(TypedDict):
    """A live agent is there."""

    agent: LiveAgent
    attachment_limits: NotRequired[FileLimits]


class LiveAgentTyping(TypedDict):
    """A live agent writes, or does so no longer."""

    state: Typing
    agent_id: str
    agent_name: NotRequired[Annotated[str, Field(description="For sessions of mobile apps.")]]


class LiveAgentLeft(TypedDict):
    """The human part is over."""

    agent_id: str
    agent_name: str
    reason: str


class IdleWarning(TypedDict):
    """The conversation will be closed for silence."""

    seconds_left: NotRequired[int]
    message: NotRequired[str]


class LanguageChanged(TypedDict):
    """The conversation goes on in another language."""

    language_code: Annotated[str, Field(description="Such as de.")]


class SystemMessage(TypedDict):
    """Something to tell; with level ERROR the refusal of a frame, not in the journal."""

    level: Level
    message: str
    code: Annotated[
        str,
        Field(
            description="For programs. Refusals: `bad_json`, `unknown_event`, `event_not_allowed`, "
            "`frame_too_large`, `rate_limited`, `choice_closed`, `handoff_invalid`. Others tell "
            "what happens, as `agent_transferred` or `handoff_forward_failed`."
        ),
    ]
    message_id: NotRequired[Uuid]
    ticket_number: NotRequired[str]


class SurveyQuestion(TypedDict):
    """One thing that is asked about."""

    subject: Literal["bot", "live_agent"]
    question: str


class SurveyRequest(TypedDict):
    """What the end user thought of the conversation: asked just before its end.

    `question` is the last of `questions`, for clients that draw only one.
    """

    title: str
    question: str
    questions: list[SurveyQuestion]
    subject: Literal["bot", "live_agent", "both"]
    scale: int
    asks_comment: bool
    deadline_seconds: Annotated[int, Field(description="After this frame's timestamp.")]


class SessionEnded(TypedDict):
    """The last line of every journal."""

    reason: SessionEnd
    detail: NotRequired[str]


class EventBatch(TypedDict):
    """What the journal holds after the client's cursor, oldest first: frames of this channel."""

    events: list[dict[str, Any]]


PAYLOADS: dict[EventType, type] = {
    EventType.SESSION_START: SessionStart,
    EventType.EVENT_BATCH: EventBatch,
    EventType.REQUEST_POLY_AGENT_JOIN: Nothing,
    EventType.POLY_AGENT_JOINED: AgentJoined,
    EventType.POLY_AGENT_THINKING: Nothing,
    EventType.POLY_AGENT_MESSAGE: AgentMessage,
    EventType.POLY_AGENT_MESSAGE_CHUNK: AgentMessageChunk,
    EventType.POLY_AGENT_TRIGGERED_HANDOFF: HandoffTriggered,
    EventType.POLY_AGENT_LEFT: Nothing,
    EventType.CLIENT_HANDOFF_REQUIRED: ClientHandoff,
    EventType.HANDOFF_ACCEPTED: HandoffAccepted,
    EventType.HANDOFF_QUEUE_STATUS: QueueStatus,
    EventType.HANDOFF_FAILED: HandoffFailed,
    EventType.HANDOFF_TIMEOUT: HandoffFailed,
    EventType.LIVE_AGENT_JOINED: LiveAgentJoined,
    EventType.LIVE_AGENT_TYPING: LiveAgentTyping,
    EventType.LIVE_AGENT_MESSAGE: LiveAgentMessage,
    EventType.LIVE_AGENT_MESSAGE_CHANGED: MessageChanged,
    EventType.LIVE_AGENT_LEFT: LiveAgentLeft,
    EventType.LIVE_AGENT_READ_MESSAGE: OneMessage,
    EventType.LIVE_AGENT_RECEIVED_MESSAGE: OneMessage,
    EventType.SESSION_IDLE_WARNING: IdleWarning,
    EventType.LANGUAGE_CHANGED: LanguageChanged,
    EventType.SHOW_CSAT_REQUEST: SurveyRequest,
    EventType.CSAT_RESPONSE: Nothing,
    EventType.SYSTEM_MESSAGE: SystemMessage,
    EventType.SESSION_END: SessionEnded,
    EventType.USER_MESSAGE: UserMessage,
    EventType.USER_END_SESSION: Nothing,
    EventType.USER_RETRY_MESSAGE: OneMessage,
    EventType.HEARTBEAT: Nothing,
}
# Shown now or never: not in the journal, without a sequence. A SYSTEM_MESSAGE of level ERROR too.
TRANSIENT = frozenset(
    {
        EventType.EVENT_BATCH,
        EventType.REQUEST_POLY_AGENT_JOIN,
        EventType.POLY_AGENT_THINKING,
        EventType.POLY_AGENT_MESSAGE_CHUNK,
        EventType.HANDOFF_QUEUE_STATUS,
        EventType.LIVE_AGENT_TYPING,
        EventType.SESSION_IDLE_WARNING,
        EventType.CSAT_RESPONSE,
        EventType.HEARTBEAT,
    }
)
