"""Messages that this portal posts, with its marks on them, and those that Zendesk has kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.kit.cutting import pieces, shortened, utf16_units
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text

# Our marks in metadata, which Zendesk echoes everywhere.
HANDOFF_KEY = "portalHandoff"
SESSION_KEY = "portalSession"
MESSAGE_KEY = "portalMessageId"
PART_KEY = "portalPart"
# Between the handoff's id and a number, in the mark of an opening message.
OPENING_MARK = ":start:"

MAX_TEXT_UNITS = 4096  # Zendesk counts UTF-16 units
BOT_NAME = "AI agent"
_MAX_ALT_TEXT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One message to post; `mark` and `part` tell it apart from every other one of ours."""

    mark: str
    part: int
    body: Json = field(repr=False)


def end_user_author(state: Json) -> Json:
    """Return the author of what the end user says; merged users are known by Zendesk's id."""
    if user_id := as_text(state.get("user_id")):
        return {"type": "user", "userId": user_id}
    return {"type": "user", "userExternalId": as_text(state.get("user_external_id"))}


def text_postings(mark: str, content: Json, author: Json) -> list[Posting]:
    """Return a text content as messages that each fit."""
    parts = list(pieces(as_text(content.get("text")), MAX_TEXT_UNITS, utf16_units)) or [" "]
    return [
        _posting(mark, number, author, {**content, "text": part})
        for number, part in enumerate(parts)
    ]


def file_posting(
    mark: str, uploaded: Json, file_name: str, mime_type: str, author: Json
) -> Posting:
    """Return an uploaded file as a message."""
    kind = "image" if mime_type.startswith("image/") else "file"
    url, alt = as_text(uploaded.get("mediaUrl")), shortened(file_name, _MAX_ALT_TEXT)
    return _posting(mark, 0, author, {"type": kind, "mediaUrl": url, "altText": alt})


def opening_postings(handoff_id: str, texts: Iterable[str]) -> list[Posting]:
    """Return context and transcript, marked alike on every try; no end user wrote them."""
    author = {"type": "business", "displayName": BOT_NAME}
    return [
        _posting(f"{handoff_id}{OPENING_MARK}{number}", 0, author, {"type": "text", "text": text})
        for number, text in enumerate(texts)
    ]


def notice_posting(mark: str, text: str) -> Posting:
    """Return a line of this portal's for the live agent."""
    return _posting(mark, 0, {"type": "business"}, {"type": "text", "text": text})


def read_activity(author: Json) -> Json:
    """Return the news that the end user has read everything."""
    return {"author": dict(author), "type": "conversation:read"}


def mark_of(message: Json) -> tuple[str, int] | None:
    """Return our mark and part on a message; None on anybody else's."""
    metadata = as_object(message.get("metadata"))
    mark, part = as_text(metadata.get(MESSAGE_KEY)), as_id(metadata.get(PART_KEY))
    return (mark, int(part) if part.isascii() and part.isdigit() else 0) if mark else None


def marked(messages: Iterable[Json]) -> dict[tuple[str, int], Json]:
    """Return those of the messages that are ours, by mark and part."""
    return {mark: message for message in messages if (mark := mark_of(message)) is not None}


def handoffs_in(marks: Iterable[tuple[str, int]]) -> set[str]:
    """Return the handoffs whose opening messages are among our marks."""
    split = (mark.partition(OPENING_MARK) for mark, _ in marks)
    return {handoff_id for handoff_id, divider, _ in split if divider}


def event_of(message: Json) -> Json:
    """Return a kept message's event as the webhook would have told it, with the same id."""
    return {
        "id": as_text(message.get("id")),
        "type": "conversation:message",
        "createdAt": message.get("received"),
        "payload": {"message": message},
    }


def message_in(event: Json) -> Json:
    """Return the message that an event tells of; empty where it tells of none."""
    return as_object(as_object(event.get("payload")).get("message"))


def happened_at(event: Json) -> datetime:
    """Return when an event's message was received, else when the event happened."""
    return moment(message_in(event).get("received") or event.get("createdAt"))


def moment(text: object) -> datetime:
    """Read a time of Zendesk's; now, where it said none that can be read."""
    return as_moment(text) or datetime.now(UTC)


def _posting(mark: str, part: int, author: Json, content: Mapping[str, object]) -> Posting:
    metadata: dict[str, object] = {MESSAGE_KEY: mark, PART_KEY: part}
    body = {"author": dict(author), "content": dict(content), "metadata": metadata}
    return Posting(mark=mark, part=part, body=body)
