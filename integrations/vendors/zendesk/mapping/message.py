"""What Zendesk is sent in the conversation: texts, files, activities, with our marks on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from integrations.vendors.zendesk.mapping.json import Json, as_id, as_object, as_text
from integrations.vendors.zendesk.mapping.start import (
    MESSAGE_KEY,
    OPENING_MARK,
    PART_KEY,
    OpeningMessage,
)
from integrations.vendors.zendesk.mapping.text import pieces

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


def text_postings(mark: str, text: str, author: Json) -> list[Posting]:
    """Return a text as messages that each fit."""
    parts = list(pieces(text)) or [" "]
    return [
        _posting(mark, number, author, {"type": "text", "text": part})
        for number, part in enumerate(parts)
    ]


def file_posting(
    mark: str, uploaded: Json, file_name: str, mime_type: str, author: Json
) -> Posting:
    """Return an uploaded file as a message."""
    kind = "image" if mime_type.startswith("image/") else "file"
    url = as_text(uploaded.get("mediaUrl"))
    content = {"type": kind, "mediaUrl": url, "altText": file_name[:_MAX_ALT_TEXT]}
    return _posting(mark, 0, author, content)


def opening_posting(message: OpeningMessage) -> Posting:
    """Return a message of the context or the transcript; it is not the end user who wrote it."""
    author = {"type": "business", "displayName": BOT_NAME}
    return _posting(message.mark, 0, author, {"type": "text", "text": message.text})


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


def _posting(mark: str, part: int, author: Json, content: Mapping[str, object]) -> Posting:
    metadata: dict[str, object] = {MESSAGE_KEY: mark, PART_KEY: part}
    body = {"author": dict(author), "content": dict(content), "metadata": metadata}
    return Posting(mark=mark, part=part, body=body)
