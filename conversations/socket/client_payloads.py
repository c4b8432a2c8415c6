"""What the frames of a client carry: a type for each payload, with the bounds of its reader."""

from __future__ import annotations

from typing import Annotated, NotRequired

from django.conf import settings
from pydantic import Field
from typing_extensions import TypedDict

from conversations.journal.frames import EventType
from conversations.journal.payloads import Nothing, Typing
from conversations.models.survey import SCALE
from conversations.socket.client_frames import FILES_PER_MESSAGE, MESSAGE_ID_MAX, SHORT_ID_MAX
from conversations.survey.reading import COMMENT_MAX

Uuid = Annotated[str, Field(description="A UUID.", json_schema_extra={"format": "uuid"})]


class FileSent(TypedDict):
    """A file that was uploaded to the session before."""

    file_id: Uuid


class AnswerSent(TypedDict):
    """What the end user takes of a message; `values` fills in a form by its fields' names."""

    message_id: Uuid
    payload: Annotated[str, Field(min_length=1, max_length=SHORT_ID_MAX)]
    values: NotRequired[dict[str, str]]


class UserMessageSent(TypedDict):
    """What the end user says: a text, files, or an answer to an offer (not with files)."""

    text: NotRequired[Annotated[str, Field(max_length=settings.MESSAGE_MAX_CHARACTERS)]]
    attachments: NotRequired[Annotated[list[FileSent], Field(max_length=FILES_PER_MESSAGE)]]
    answer: NotRequired[AnswerSent]


class UserTyping(TypedDict):
    """The end user writes, or does so no longer; told to the vendor while a live agent is there."""

    state: Typing


class MessageNamed(TypedDict):
    """It is about this message."""

    message_id: Annotated[str, Field(min_length=1, max_length=MESSAGE_ID_MAX)]


class SurveyAnswered(TypedDict):
    """A score from 1 to 5, or null to skip; where two are asked about, one for each in `scores`.

    Taken over HTTP too: `POST /api/v1/sessions/{session_id}/survey`.
    """

    score: NotRequired[Annotated[int | None, Field(ge=1, le=SCALE)]]
    scores: NotRequired[dict[str, Annotated[int | None, Field(ge=1, le=SCALE)]]]
    comment: NotRequired[Annotated[str, Field(max_length=COMMENT_MAX)]]


CLIENT_PAYLOADS: dict[EventType, type] = {
    EventType.REQUEST_POLY_AGENT_JOIN: Nothing,
    EventType.USER_MESSAGE: UserMessageSent,
    EventType.USER_TYPING: UserTyping,
    EventType.USER_END_SESSION: Nothing,
    EventType.HEARTBEAT: Nothing,
    EventType.USER_CANCEL_HANDOFF: Nothing,
    EventType.USER_READ_MESSAGE: MessageNamed,
    EventType.USER_RECEIVED_MESSAGE: MessageNamed,
    EventType.USER_RETRY_MESSAGE: MessageNamed,
    EventType.CSAT_RESPONSE: SurveyAnswered,
}
