"""Flattens whatever Genesys can send into readable plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from integrations.kit.flat_text import any_text, joined, numbered
from integrations.kit.json_values import Json, as_object, as_objects, as_text

UNSUPPORTED = "[unsupported message]"
# Where texts are found in the kinds of content that have no rule of their own, best first.
_TEXT_KEYS = ("text", "title", "subtitle", "description", "body", "name", "url")


def message_text(body: Json) -> str:
    """Return a message's text with its choices numbered below it; empty for a file alone."""
    choices: list[str] = []
    blocks: list[str] = [as_text(body.get("text"))]
    for content in as_objects(body.get("content")):
        kind = as_text(content.get("contentType"))
        part = as_object(content.get(_key(kind)))
        if kind == "QuickReply":
            choices.append(as_text(part.get("text")))
        else:
            blocks.append(_READERS.get(kind, _other_text)(part or _rest(content)))
    return joined(*blocks, *numbered(choices))


def _key(kind: str) -> str:
    if kind == "Notification":
        return "template"
    return kind[:1].lower() + kind[1:]


def _rest(content: Json) -> Json:
    return {key: value for key, value in content.items() if key != "contentType"}


def _attachment_text(attachment: Json) -> str:
    """Show a link; a file becomes an event of its own."""
    if attachment.get("mediaType") != "Link":
        return ""
    return joined(as_text(attachment.get("text")), as_text(attachment.get("url")))


def _card_text(card: Json) -> str:
    actions = [
        " ".join(filter(None, (as_text(action.get("text")), as_text(action.get("url")))))
        for action in as_objects(card.get("actions"))
    ]
    lines = (as_text(card.get("title")), as_text(card.get("description")))
    return joined(*lines, *numbered(actions))


def _carousel_text(carousel: Json) -> str:
    return joined(*(_card_text(card) for card in as_objects(carousel.get("cards"))))


def _dates_text(picker: Json) -> str:
    times = [as_text(item.get("dateTime")) for item in as_objects(picker.get("availableTimes"))]
    lines = (as_text(picker.get("title")), as_text(picker.get("subtitle")))
    return joined(*lines, *numbered(times))


def _other_text(content: Json) -> str:
    return any_text(content, _TEXT_KEYS)


_READERS: Mapping[str, Callable[[Json], str]] = {
    "Attachment": _attachment_text,
    "Card": _card_text,
    "Carousel": _carousel_text,
    "DatePicker": _dates_text,
}
