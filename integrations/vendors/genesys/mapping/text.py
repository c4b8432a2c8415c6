"""Flattens whatever Genesys can send into readable plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from integrations.kit.json_values import Json, as_object, as_objects, as_text

UNSUPPORTED = "[unsupported message]"
# Where texts are found in the kinds of content that have no rule of their own, best first.
_TEXT_KEYS = ("text", "title", "subtitle", "description", "body", "name", "url")
_MAX_DEPTH = 6


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
            blocks.append(_READERS.get(kind, _any_text)(part or _rest(content)))
    return _joined(*blocks, *_numbered(choices))


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
    return _joined(as_text(attachment.get("text")), as_text(attachment.get("url")))


def _card_text(card: Json) -> str:
    actions = [
        " ".join(filter(None, (as_text(action.get("text")), as_text(action.get("url")))))
        for action in as_objects(card.get("actions"))
    ]
    lines = (as_text(card.get("title")), as_text(card.get("description")))
    return _joined(*lines, *_numbered(actions))


def _carousel_text(carousel: Json) -> str:
    return _joined(*(_card_text(card) for card in as_objects(carousel.get("cards"))))


def _dates_text(picker: Json) -> str:
    times = [as_text(item.get("dateTime")) for item in as_objects(picker.get("availableTimes"))]
    lines = (as_text(picker.get("title")), as_text(picker.get("subtitle")))
    return _joined(*lines, *_numbered(times))


def _any_text(value: object) -> str:
    """Collect the texts of content we have no rule for."""
    return _joined(*dict.fromkeys(_texts(value, 0)))


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, Mapping):
        yield from (value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str))
        for item in value.values():
            yield from _texts(item, depth + 1)


def _numbered(texts: list[str]) -> list[str]:
    return [f"{number}. {text}" for number, text in enumerate(filter(None, texts), start=1)]


def _joined(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


_READERS: Mapping[str, Callable[[Json], str]] = {
    "Attachment": _attachment_text,
    "Card": _card_text,
    "Carousel": _carousel_text,
    "DatePicker": _dates_text,
}
