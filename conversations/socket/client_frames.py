"""Read a frame of the client: limits, shape, and an error that names the field."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from conversations.journal.frames import EXTENSIONS, PREFIX, EventType
from conversations.journal.json_values import has_valid_text
from conversations.socket.responder import GivenAnswer
from conversations.survey.reading import SurveyAnswer, survey_read
from integrations.behaviour.sentences import sentence

ACCEPTED = frozenset(
    {
        EventType.REQUEST_POLY_AGENT_JOIN,
        EventType.USER_MESSAGE,
        EventType.USER_TYPING,
        EventType.USER_END_SESSION,
        EventType.HEARTBEAT,
        EventType.CSAT_RESPONSE,
        *(EventType(name) for name in EXTENSIONS),
    }
)
_TYPING = {"TYPING_STATE_STARTED": True, "TYPING_STATE_STOPPED": False}
METADATA_MAX_BYTES = 8192
# What a message may be sent again by, in metadata.custom: ours, and the one of PolyAI's mobile
# SDKs. The first that is not empty is the key; the other is only carried back.
RESEND_KEYS = ("client_event_id", "local_id")
RESEND_KEY_MAX_CHARACTERS = 64
FILES_PER_MESSAGE = 10
SHORT_ID_MAX = 16
MESSAGE_ID_MAX = 64


class BadFrameError(Exception):
    """The frame cannot be used; `code` is the SYSTEM_MESSAGE code, the text names the cure."""

    def __init__(self, code: str, message: str, metadata: dict[str, Any] | None = None) -> None:
        """Keep the client's metadata, which goes back with the error."""
        super().__init__(message)
        self.code = code
        self.metadata = metadata

    def text(self, locale: str) -> str:
        """Return the text, which is for whoever writes the client: English everywhere."""
        return str(self)


class TooLargeError(BadFrameError):
    """An end user has written too much: the text is one of the table of sentences."""

    def __init__(self, key: str, metadata: dict[str, Any] | None, **values: object) -> None:
        """Take the sentence's key and what is filled in there."""
        super().__init__("frame_too_large", sentence(key, "", **values), metadata)
        self._key, self._values = key, values

    def text(self, locale: str) -> str:
        """Return what the end user reads."""
        return sentence(self._key, locale, **self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFrame:
    """A checked frame; only the fields of its type are filled."""

    type: EventType
    metadata: dict[str, Any] | None = None
    client_event_id: str = ""
    text: str = field(default="", repr=False)
    is_typing: bool = False
    message_id: str = ""
    file_ids: tuple[uuid.UUID, ...] = ()
    answer: GivenAnswer | None = None
    survey: SurveyAnswer | None = field(default=None, repr=False)


def frame_read(text: str | None) -> ClientFrame:
    """Return the checked frame; raises BadFrameError."""
    return frame_of_value(_json_value(text))


def frame_of_value(data: object) -> ClientFrame:
    """Return the checked frame of a value read from JSON; raises BadFrameError."""
    if not isinstance(data, dict):
        raise BadFrameError("bad_json", "The frame must be a JSON object with a field type.")
    if not has_valid_text(data):
        text = "The frame holds a character that no text may hold."
        raise BadFrameError("bad_json", text, metadata_of_value(data))
    metadata = _metadata(data)
    payload = data.get("payload", {})
    if not isinstance(payload, dict):
        raise BadFrameError("bad_json", "The field payload must be an object.", metadata)
    event_type = _type(data, metadata)
    return ClientFrame(
        type=event_type,
        metadata=metadata,
        client_event_id=_client_event_id(metadata),
        **_fields(event_type, payload, metadata),
    )


def metadata_of(text: str | None) -> dict[str, Any] | None:
    """Return what a frame that is not read carries back to its client, if that can be told."""
    try:
        return metadata_of_value(_json_value(text))
    except BadFrameError:
        return None


def metadata_of_value(data: object) -> dict[str, Any] | None:
    """Do as metadata_of does for a value read from JSON."""
    try:
        found = _metadata(data) if isinstance(data, dict) else None
    except BadFrameError:
        return None
    return found if has_valid_text(found) else None


def _json_value(text: str | None) -> object:
    if text is None:
        raise BadFrameError("bad_json", "Send text frames; binary ones are not read.")
    data, size = _loaded(text), len(text.encode())
    if size > settings.FRAME_MAX_BYTES:
        limit = settings.FRAME_MAX_BYTES
        raise TooLargeError("frame_too_large", metadata_of_value(data), number=size, limit=limit)
    if data is None:
        raise BadFrameError("bad_json", "The frame is not valid JSON.")
    return data


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _metadata(data: dict[str, Any]) -> dict[str, Any] | None:
    metadata = data.get("metadata")
    if metadata is None:
        return None
    custom = metadata.get("custom", {}) if isinstance(metadata, dict) else None
    if not isinstance(custom, dict) or not all(isinstance(v, str) for v in custom.values()):
        raise BadFrameError("bad_json", "The field metadata.custom must map names to texts.")
    if len(json.dumps(custom)) > METADATA_MAX_BYTES:
        raise BadFrameError(
            "bad_json", f"The field metadata.custom may have {METADATA_MAX_BYTES} bytes."
        )
    return {"custom": custom}


def _type(data: dict[str, Any], metadata: dict[str, Any] | None) -> EventType:
    name = data.get("type")
    bare = name.removeprefix(PREFIX) if isinstance(name, str) and name.startswith(PREFIX) else ""
    if bare not in ACCEPTED:
        shown = str(name)[:64]
        raise BadFrameError("unknown_event", f"The event type {shown} is not known.", metadata)
    return EventType(bare)


def _client_event_id(metadata: dict[str, Any] | None) -> str:
    """Return the key of a resend, or the empty text for a message that is never sent again."""
    custom = (metadata or {}).get("custom", {})
    name = next((name for name in RESEND_KEYS if custom.get(name)), "")
    if len(custom.get(name, "")) > RESEND_KEY_MAX_CHARACTERS:
        text = f"metadata.custom.{name} may have {RESEND_KEY_MAX_CHARACTERS} characters."
        raise BadFrameError("bad_json", text, metadata)
    return str(custom.get(name, ""))


def _fields(
    event_type: EventType, payload: dict[str, Any], metadata: dict[str, Any] | None
) -> dict[str, Any]:
    match event_type:
        case EventType.USER_MESSAGE:
            file_ids = _file_ids(payload, metadata)
            answer = _answer(payload, metadata)
            if file_ids and answer is not None:
                text = "The field payload.answer cannot come with attachments."
                raise BadFrameError("bad_json", text, metadata)
            needs_text = not file_ids and answer is None
            return {
                "text": _text(payload, metadata, needs_text=needs_text),
                "file_ids": file_ids,
                "answer": answer,
            }
        case EventType.USER_TYPING:
            return {"is_typing": _typing(payload, metadata)}
        case (
            EventType.USER_READ_MESSAGE
            | EventType.USER_RECEIVED_MESSAGE
            | EventType.USER_RETRY_MESSAGE
        ):
            return {"message_id": _message_id(payload, metadata)}
        case EventType.CSAT_RESPONSE:
            return {"survey": _survey(payload, metadata)}
    return {}


def _survey(payload: dict[str, Any], metadata: dict[str, Any] | None) -> SurveyAnswer:
    try:
        return survey_read(payload)
    except ValueError as error:
        raise BadFrameError("bad_json", f"The field payload.{error}.", metadata) from error


def _file_ids(payload: dict[str, Any], metadata: dict[str, Any] | None) -> tuple[uuid.UUID, ...]:
    files = payload.get("attachments") or []
    try:
        if not isinstance(files, list) or len(files) > FILES_PER_MESSAGE:
            raise ValueError
        return tuple(uuid.UUID(file["file_id"]) for file in files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFrameError(
            "bad_json",
            f"The field payload.attachments may list {FILES_PER_MESSAGE} objects with file_id.",
            metadata,
        ) from error


def _answer(payload: dict[str, Any], metadata: dict[str, Any] | None) -> GivenAnswer | None:
    """Return what the end user took of a message; whether it was offered is not known here."""
    if (answer := payload.get("answer")) is None:
        return None
    if not isinstance(answer, dict):
        raise BadFrameError("bad_json", "The field payload.answer must be an object.", metadata)
    taken, values = answer.get("payload"), answer.get("values") or {}
    if not isinstance(taken, str) or not 0 < len(taken) <= SHORT_ID_MAX:
        text = "The field payload.answer.payload must be the payload of a choice."
        raise BadFrameError("bad_json", text, metadata)
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        text = "The field payload.answer.values must map names of fields to texts."
        raise BadFrameError("bad_json", text, metadata)
    return GivenAnswer(message_id=_answered_message(answer, metadata), payload=taken, values=values)


def _answered_message(answer: dict[str, Any], metadata: dict[str, Any] | None) -> uuid.UUID:
    try:
        return uuid.UUID(answer.get("message_id"))
    except (ValueError, TypeError, AttributeError) as error:
        text = "The field payload.answer.message_id must be the id of a message."
        raise BadFrameError("bad_json", text, metadata) from error


def _text(payload: dict[str, Any], metadata: dict[str, Any] | None, *, needs_text: bool) -> str:
    text = payload.get("text", "")
    if not isinstance(text, str) or (needs_text and not text.strip()):
        raise BadFrameError("bad_json", "The field payload.text must not be empty.", metadata)
    if len(text) > settings.MESSAGE_MAX_CHARACTERS:
        limit = settings.MESSAGE_MAX_CHARACTERS
        raise TooLargeError("message_too_long", metadata, number=len(text), limit=limit)
    return text


def _typing(payload: dict[str, Any], metadata: dict[str, Any] | None) -> bool:
    try:
        return _TYPING[payload["state"]]
    except (KeyError, TypeError) as error:
        raise BadFrameError(
            "bad_json", f"The field payload.state must be one of {', '.join(_TYPING)}.", metadata
        ) from error


def _message_id(payload: dict[str, Any], metadata: dict[str, Any] | None) -> str:
    value = payload.get("message_id")
    if not isinstance(value, str) or not 0 < len(value) <= MESSAGE_ID_MAX:
        raise BadFrameError("bad_json", "The field payload.message_id is missing.", metadata)
    return value
