"""What an agent's message holds: the content types that a BYOC channel may be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    RichContent,
    VendorFile,
)
from integrations.kit.json_values import Json, as_object, as_objects, as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message's text, what it offers, and its files."""

    text: str = field(default="", repr=False)
    rich: RichContent = NO_RICH_CONTENT
    files: tuple[VendorFile, ...] = ()


def content_of(message: Json) -> Content:
    """Read a message; a kind that we do not know is its fallback text, or is named."""
    content = as_object(message.get("messageContent"))
    kind, payload = as_text(content.get("type")), as_object(content.get("payload"))
    files = tuple(map(_file, as_objects(message.get("attachments"))))
    found = _READERS[kind](payload) if kind in _READERS else Content()
    if not (found.text or found.rich):
        text = as_text(content.get("text")) or as_text(content.get("fallbackText"))
        is_lost = not text and not files and kind != "TEXT"
        rich = RichContent(unknown_kind=kind or "message without a type") if is_lost else found.rich
        found = replace(found, text=text, rich=rich)
    return replace(found, files=files)


def text_content(text: str, postback: str = "") -> dict[str, object]:
    """Write a text; the answer to a button names its postback, as the chat channel's does."""
    payload = {"text": text, "postback": postback} if postback else {"text": text}
    return {"type": "TEXT", "payload": payload, "fallbackText": "", "postback": postback or None}


def _text(payload: Json) -> Content:
    return Content(text=as_text(payload.get("text")))


def _choices(payload: Json) -> Content:
    text = "\n".join(filter(None, (_words(payload.get(name)) for name in ("title", "text"))))
    choices = tuple(
        Choice(
            label=as_text(one.get("text")),
            token=as_text(one.get("postback")),
            image_url=as_text(as_object(one.get("icon")).get("url")),
            description=as_text(one.get("description")),
        )
        for one in as_objects(payload.get("actions"))
    )
    return Content(text=text, rich=RichContent(choices=choices))


def _link(payload: Json) -> Content:
    title, url = _words(payload.get("title")), as_text(payload.get("url"))
    link = Choice(label=title or url, url=url, kind=ChoiceKind.LINK)
    image = as_text(as_object(payload.get("media")).get("url"))
    return Content(rich=RichContent(cards=(Card(title=title, image_url=image, choices=(link,)),)))


def _plugin(payload: Json) -> Content:
    """Read elements: what has a text is a line, buttons are choices, a menu is a card."""
    elements = as_objects(payload.get("elements"))
    cards = tuple(_menu(as_objects(e.get("elements"))) for e in elements if e.get("type") == "MENU")
    lines, choices = _parts([one for one in elements if one.get("type") != "MENU"])
    text = "\n".join(filter(None, (as_text(payload.get("text")), *lines)))
    return Content(text=text, rich=RichContent(cards=cards, choices=tuple(choices)))


def _menu(elements: Sequence[Json]) -> Card:
    titles = [as_text(one.get("text")) for one in elements if one.get("type") == "TITLE"]
    images = [
        as_text(one.get("url"))
        for one in elements
        if one.get("type") == "FILE" and as_text(one.get("mimeType")).startswith("image/")
    ]
    lines, choices = _parts([one for one in elements if one.get("type") not in ("TITLE", "FILE")])
    return Card(
        title=" ".join(titles),
        text="\n".join(lines),
        image_url=next(iter(images), ""),
        choices=tuple(choices),
    )


def _parts(elements: Sequence[Json]) -> tuple[list[str], list[Choice]]:
    lines: list[str] = []
    choices: list[Choice] = []
    for element in elements:
        text = as_text(element.get("text"))
        if element.get("type") == "BUTTON":
            choices.append(_button(text, element))
        elif text:
            lines.append(text)
        inner, more = _parts(as_objects(element.get("elements")))
        lines, choices = lines + inner, choices + more
    return lines, choices


def _button(label: str, element: Json) -> Choice:
    url, postback = as_text(element.get("url")), as_text(element.get("postback"))
    if url and not postback:
        return Choice(label=label, url=url, kind=ChoiceKind.LINK)
    return Choice(label=label, token=postback)


def _file(raw: Json) -> VendorFile:
    return VendorFile(
        file_name=as_text(raw.get("friendlyName")) or "file",
        mime_type=as_text(raw.get("mimeType")) or "application/octet-stream",
        url=as_text(raw.get("url")) or as_text(raw.get("securedPermanentUrl")),
    )


def _words(value: object) -> str:
    return as_text(as_object(value).get("content")) or as_text(value)


_READERS: Mapping[str, Callable[[Json], Content]] = {
    "TEXT": _text,
    "QUICK_REPLIES": _choices,
    "LIST_PICKER": _choices,
    "RICH_LINK": _link,
    "PLUGIN": _plugin,
}
