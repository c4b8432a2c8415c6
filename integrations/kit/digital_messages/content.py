"""What a message of CXone Digital holds: each content type of the vendor's pages, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.contract.connector import OutboundMessage
from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    RichContent,
    Slot,
    VendorFile,
)
from integrations.kit.json_values import (
    Json,
    as_count,
    as_id,
    as_moment,
    as_object,
    as_objects,
    as_text,
    json_text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message's content; of a streamed one the text is still to be fetched."""

    text: str = field(default="", repr=False)
    rich: RichContent = NO_RICH_CONTENT
    files: tuple[VendorFile, ...] = ()
    streamed_from: str = field(default="", repr=False)
    idle_seconds: int | None = None
    is_idle: bool = False


def content_of(message: Json) -> Content:
    """Read a message; a kind that we do not know is its fallback text, or is named."""
    content = as_object(message.get("messageContent"))
    kind, payload = as_text(content.get("type")), as_object(content.get("payload"))
    read = _READERS.get(kind)
    found = read(payload) if read else Content()
    fallback = as_text(content.get("text")) or as_text(content.get("fallbackText"))
    files = (*map(_attachment, as_objects(message.get("attachments"))), *found.files)
    is_empty = not (found.text or found.rich or files or found.streamed_from or found.is_idle)
    rich, text = found.rich, found.text
    if is_empty:
        text = fallback
        if not text and kind != "TEXT":
            rich = RichContent(unknown_kind=kind or "message without a type")
    return Content(
        text=text,
        rich=rich,
        files=files,
        streamed_from=found.streamed_from,
        idle_seconds=found.idle_seconds,
        is_idle=found.is_idle,
    )


def answer_text(message: OutboundMessage) -> tuple[str, str]:
    """Return what goes back for an answer: a text, and the postback of what was taken.

    How a form and a time are answered is on no page of the vendor's: they go as text.
    """
    answer = message.answer
    if answer is None:
        return message.text, ""
    if not answer.values:
        return message.text, answer.token
    labels = as_object(json.loads(answer.token or "{}"))
    lines = (f"{labels.get(name) or name}: {value}" for name, value in answer.values.items())
    return "\n".join(lines), ""


def text_content(text: str, postback: str = "") -> dict[str, object]:
    """Write a text; the answer to a button says its postback in both places, as the web does."""
    if not postback:
        return {"type": "TEXT", "payload": {"text": text}}
    payload: Mapping[str, object] = {"text": text, "postback": postback}
    return {"type": "TEXT", "payload": payload, "postback": postback}


def name_of(user: Json) -> str:
    """Return the name to show: the nickname, else first name and surname."""
    full = " ".join(filter(None, (as_text(user.get(n)) for n in ("firstName", "surname"))))
    return as_text(user.get("nickname")) or full


# -- The content types ---------------------------------------------------------------------


def _text(payload: Json) -> Content:
    menu = _plugin(payload)
    return Content(text=as_text(payload.get("text")), rich=menu.rich, files=menu.files)


def _choices(payload: Json) -> Content:
    text = "\n".join(filter(None, (_words(payload.get(name)) for name in ("title", "text"))))
    choices = tuple(_action(one) for one in as_objects(payload.get("actions")))
    return Content(text=text, rich=RichContent(choices=choices))


def _action(action: Json) -> Choice:
    icon = as_object(action.get("icon"))
    return Choice(
        label=as_text(action.get("text")),
        token=as_text(action.get("postback")),
        image_url=as_text(icon.get("url")),
        description=as_text(action.get("description")),
    )


def _link(payload: Json) -> Content:
    title, url = _words(payload.get("title")), as_text(payload.get("url"))
    image = as_text(as_object(payload.get("media")).get("url"))
    link = Choice(label=title or url, url=url, kind=ChoiceKind.LINK)
    choices = (link,) if url else ()
    return Content(rich=RichContent(cards=(Card(title=title, image_url=image, choices=choices),)))


def _times(payload: Json) -> Content:
    event = as_object(payload.get("event"))
    slots = (
        Slot(starts_at=at, token="")  # no page tells how a time is answered
        for one in as_objects(event.get("timeSlots"))
        if (at := as_moment(one.get("startTime")))
    )
    text = "\n".join(filter(None, (_words(payload.get("title")), _words(event.get("title")))))
    place = _words(as_object(payload.get("location")).get("title"))
    return Content(text=text, rich=RichContent(slots=tuple(slots), place=place))


def _form(payload: Json) -> Content:
    fields = tuple(_field(one) for one in as_objects(payload.get("fields")))
    labels = {one.name: one.label for one in fields}
    form = Form(fields=fields, title=_words(payload.get("title")), token=json_text(labels))
    text = _words(payload.get("description"))
    return Content(text=text, rich=RichContent(form=form)) if fields else Content(text=text)


def _field(raw: Json) -> FormField:
    label = _words(raw.get("label")) or _words(raw.get("description"))
    given = raw.get("options")
    named = [one if isinstance(one, str) else _option(as_object(one)) for one in _list(given)]
    options = tuple(Choice(label=one, token=one) for one in named if one)
    ident = as_text(raw.get("ident")) or label
    kind = FieldKind.SELECT if options else FieldKind.TEXT
    return FormField(name=ident, label=label or ident, kind=kind, options=options)


def _option(raw: Json) -> str:
    """Return what an option is called: a title of its own, as the agents' side writes it."""
    names = ("label", "text", "value")
    return _words(raw.get("title")) or next(filter(None, (as_id(raw.get(n)) for n in names)), "")


def _streamed(payload: Json) -> Content:
    return Content(streamed_from=as_text(payload.get("sourceUrl")))


def _plugin(payload: Json) -> Content:
    """Read elements; their types are open-ended, so that whatever has a text is a line."""
    found = _Elements()
    found.take(as_objects(payload.get("elements")))
    lines = [as_text(payload.get("text")), *found.lines]
    return Content(
        text="\n".join(line for line in lines if line),
        rich=RichContent(choices=tuple(found.choices), cards=tuple(found.cards)),
        files=tuple(found.files),
        idle_seconds=found.idle_seconds,
        is_idle=found.is_idle,
    )


class _Elements:
    """Collects what the elements of a plugin hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.choices: list[Choice] = []
        self.cards: list[Card] = []
        self.files: list[VendorFile] = []
        self.idle_seconds: int | None = None
        self.is_idle = False

    def take(self, elements: Sequence[Json]) -> None:
        """Take elements in order."""
        for element in elements:
            kind = as_text(element.get("type"))
            if kind == "MENU":
                self.cards.append(_menu(as_objects(element.get("elements"))))
            elif kind == "BUTTON":
                self.choices.append(_button(element))
            elif kind == "FILE":
                self.files.append(_file(element))
            else:
                self._take_other(kind, element)

    def _take_other(self, kind: str, element: Json) -> None:
        self.is_idle = self.is_idle or kind == "INACTIVITY_POPUP"
        if kind == "COUNTDOWN":
            variables = as_object(element.get("variables"))
            self.idle_seconds = as_count(variables.get("numberOfSeconds"))
        self.lines += [text] if (text := as_text(element.get("text"))) else []
        self.take(as_objects(element.get("elements")))


def _menu(elements: Sequence[Json]) -> Card:
    found = _Elements()
    found.take([one for one in elements if one.get("type") != "TITLE"])
    titles = [as_text(one.get("text")) for one in elements if one.get("type") == "TITLE"]
    images = [one.url for one in found.files if one.mime_type.startswith("image/")]
    return Card(
        title=" ".join(titles),
        text="\n".join(found.lines),
        image_url=images[0] if images else "",
        choices=tuple(found.choices),
    )


def _button(element: Json) -> Choice:
    label, url = as_text(element.get("text")), as_text(element.get("url"))
    postback = as_text(element.get("postback"))
    if url and not postback:
        return Choice(label=label, url=url, kind=ChoiceKind.LINK)
    return Choice(label=label, token=postback)


def _file(element: Json) -> VendorFile:
    name = as_text(element.get("filename")) or as_text(element.get("text")) or "file"
    kind = as_text(element.get("mimeType")) or "application/octet-stream"
    return VendorFile(file_name=name, mime_type=kind, url=as_text(element.get("url")))


def _attachment(raw: Json) -> VendorFile:
    return VendorFile(
        file_name=as_text(raw.get("friendlyName")) or "file",
        mime_type=as_text(raw.get("mimeType")) or "application/octet-stream",
        url=as_text(raw.get("url")) or as_text(raw.get("securedPermanentUrl")),
    )


def _words(value: object) -> str:
    return as_text(as_object(value).get("content")) or as_text(value)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


_READERS: Mapping[str, Callable[[Json], Content]] = {
    "TEXT": _text,
    "POSTBACK": _text,
    "QUICK_REPLIES": _choices,
    "LIST_PICKER": _choices,
    "RICH_LINK": _link,
    "TIME_PICKER": _times,
    "FORM": _form,
    "PLUGIN": _plugin,
    "STREAMED": _streamed,
}
