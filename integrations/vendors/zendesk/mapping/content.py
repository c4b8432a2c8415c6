"""What a message of Zendesk's holds in our model, and what an end user answers to it."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Answer,
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    Markup,
    RichContent,
    VendorFile,
)
from integrations.kit.html_markdown import markdown_of
from integrations.kit.json_values import Json, as_object, as_objects, as_text, json_text
from integrations.kit.pasted import split_address

_ANY_TYPE = "application/octet-stream"
_MAX_NAME = 128
_NO_TYPE = "message without a type"
_FIELD_KINDS = {"email": FieldKind.EMAIL, "select": FieldKind.SELECT}
_NUMBERS = ("integer", "decimal")
# What a token keeps: a form's fields, or the payload that a reply or a postback wants back.
_FORM, _REPLY = "form", "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says and offers; false when it holds nothing at all."""

    text: str = field(default="", repr=False)
    markup: Markup = Markup.PLAIN
    rich: RichContent = NO_RICH_CONTENT
    files: tuple[VendorFile, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is anything to show."""
        return bool(self.text.strip() or self.rich or self.files)


def content_of(given: Json) -> Content:
    """Read a content of any type; one that cannot be shown is named in `rich`."""
    kind = as_text(given.get("type"))
    content = _READERS.get(kind, _said)(given)
    if content or kind == "text":
        return content
    if fallback := as_text(given.get("textFallback")):
        return replace(content, text=fallback)
    return replace(content, rich=RichContent(unknown_kind=kind or _NO_TYPE))


def answer_content(answer: Answer, text: str) -> Json:
    """Return an answer as a content: a text with the payload, or the form line by line.

    The API takes no formResponse and no postback, so a form comes as Zendesk would write it out.
    """
    token = _read(answer.token)
    if _FORM in token:
        filled = _filled(as_objects(token.get(_FORM)), answer.values)
        return {"type": "text", "text": "\n".join(filled) or text}
    payload = as_text(token.get(_REPLY))
    said = {"type": "text", "text": text}
    return {**said, "payload": payload} if payload else said


@dataclass(frozen=True, slots=True)
class _Offer:
    """Actions as choices; those that only Zendesk's own widget can carry out are named."""

    choices: tuple[Choice, ...]
    # What is asked for in words: a price, a place.
    lines: tuple[str, ...] = ()
    unknown_kind: str = ""


def _said(given: Json) -> Content:
    """Take the text in the form that keeps most of it; agents see the plain one."""
    if markdown := as_text(given.get("markdownText")):
        return Content(text=markdown, markup=Markup.MARKDOWN)
    text, markup = markdown_of(as_text(given.get("htmlText")))
    plain = as_text(given.get("text"))
    if markup is Markup.PLAIN and plain:
        return Content(text=plain)
    return Content(text=text, markup=markup)


def _text(given: Json) -> Content:
    offer = _offer(given)
    rich = RichContent(choices=offer.choices, unknown_kind=offer.unknown_kind)
    return _with_lines(replace(_said(given), rich=rich), offer.lines)


def _media(given: Json) -> Content:
    url = as_text(given.get("mediaUrl"))
    return replace(_text(given), files=(_file(given, url),) if url else ())


def _file(given: Json, url: str) -> VendorFile:
    name = PurePosixPath(unquote(split_address(url).path)).name
    described = as_text(given.get("altText"))
    # An alternative text is a description more often than a name.
    if described and PurePosixPath(described).suffix:
        name = described
    guessed = mimetypes.guess_type(name)[0] or _ANY_TYPE
    mime_type = as_text(given.get("mediaType")) or guessed
    return VendorFile(file_name=(name or "file")[:_MAX_NAME], mime_type=mime_type, url=url)


def _items(given: Json) -> Content:
    """Read a carousel or a list; its read-only text repeats the items."""
    items = as_objects(given.get("items"))
    if not items:
        return _text(given)
    offers, own = [_offer(item) for item in items], _offer(given)
    cards = tuple(_card(item, offer) for item, offer in zip(items, offers, strict=True))
    unknown = next((one.unknown_kind for one in (own, *offers) if one.unknown_kind), "")
    rich = RichContent(cards=cards, choices=own.choices, unknown_kind=unknown)
    return _with_lines(Content(rich=rich), own.lines)


def _card(item: Json, offer: _Offer) -> Card:
    described = as_text(item.get("description"))
    return Card(
        title=as_text(item.get("title")),
        text="\n".join(line for line in (described, *offer.lines) if line),
        image_url=as_text(item.get("mediaUrl")),
        choices=offer.choices,
    )


def _form(given: Json) -> Content:
    fields = tuple(_field(one) for one in as_objects(given.get("fields")) if one.get("name"))
    said = _said(given)
    if not fields:
        return said
    return replace(said, rich=RichContent(form=Form(fields=fields, token=_form_token(given))))


def _field(one: Json) -> FormField:
    kind = _FIELD_KINDS.get(as_text(one.get("type")), FieldKind.TEXT)
    if kind is FieldKind.TEXT and one.get("format") in _NUMBERS:
        kind = FieldKind.NUMBER
    name = as_text(one.get("name"))
    return FormField(
        name=name,
        label=as_text(one.get("label")) or as_text(one.get("placeholder")) or name,
        kind=kind,
        options=tuple(
            Choice(label=as_text(option.get("label")), token=_option_token(option))
            for option in as_objects(one.get("options"))
        ),
        # Zendesk asks for one character at least unless it says otherwise.
        is_required=one.get("minSize", 1) != 0,
    )


def _location(given: Json) -> Content:
    place, said = as_object(given.get("location")), as_text(given.get("text"))
    named = [as_text(place.get(name)) for name in ("name", "address")]
    lines = [line for line in named if line] or [said]
    return Content(text="\n".join(line for line in (*lines, _map_url(given)) if line))


def _map_url(given: Json) -> str:
    at = as_object(given.get("coordinates"))
    latitude, longitude = at.get("lat"), at.get("long")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return ""
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"


def _offer(given: Json) -> _Offer:
    actions = as_objects(given.get("actions"))
    choices = [choice for action in actions if (choice := _choice(action)) is not None]
    lines = [line for action in actions if (line := _asked(action))]
    unknown = next((kind for action in actions if (kind := _unknown_action(action))), "")
    return _Offer(tuple(choices), tuple(lines), unknown)


def _choice(action: Json) -> Choice | None:
    kind, label = as_text(action.get("type")), as_text(action.get("text"))
    if kind in ("reply", "postback"):
        image_url = as_text(action.get("iconUrl"))
        return Choice(label=label, token=_reply_token(action), image_url=image_url)
    url = _page(action)
    if not url:
        return None
    if url.lower().startswith("tel:"):
        return Choice(label=label, kind=ChoiceKind.PHONE, url=url)
    return Choice(label=label, kind=ChoiceKind.LINK, url=url)


def _page(action: Json) -> str:
    """Return where an action leads; `fallback` is for who cannot open a page inside the chat."""
    return as_text(action.get("fallback")) or as_text(action.get("uri"))


def _asked(action: Json) -> str:
    """Return in words what can be answered in words alone: a wish for a place, a price."""
    kind, label = action.get("type"), as_text(action.get("text"))
    amount, currency = action.get("amount"), as_text(action.get("currency")).upper()
    if kind == "buy" and isinstance(amount, int) and not _page(action):
        return f"{label}: {amount / 100:.2f} {currency}".strip()
    return label if kind == "locationRequest" else ""


def _unknown_action(action: Json) -> str:
    """Return the type of an action that cannot be carried out here: a purchase, or a new one."""
    is_asked = action.get("type") == "locationRequest"
    return "" if is_asked or _choice(action) else as_text(action.get("type")) or "action"


def _with_lines(content: Content, lines: tuple[str, ...]) -> Content:
    return replace(content, text="\n".join(line for line in (content.text, *lines) if line))


def _reply_token(action: Json) -> str:
    return json_text({_REPLY: as_text(action.get("payload"))})


def _option_token(option: Json) -> str:
    return json_text({name: as_text(option.get(name)) for name in ("name", "label")})


def _form_token(content: Json) -> str:
    fields = as_objects(content.get("fields"))
    kept = [{name: as_text(one.get(name)) for name in ("type", "name", "label")} for one in fields]
    return json_text({_FORM: kept})


def _filled(fields: list[Json], values: Mapping[str, str]) -> list[str]:
    lines = []
    for one in fields:
        name, label = as_text(one.get("name")), as_text(one.get("label"))
        value = values.get(name, "")
        if one.get("type") == "select":
            value = as_text(_read(value).get("label")) or value
        if value:
            lines.append(f"{label or name}: {value}")
    return lines


def _read(token: str) -> Json:
    try:
        return as_object(json.loads(token))
    except (ValueError, RecursionError):
        return {}


_READERS: Mapping[str, Callable[[Json], Content]] = {
    "text": _text,
    "image": _media,
    "file": _media,
    "carousel": _items,
    "list": _items,
    "form": _form,
    "location": _location,
    "template": lambda _: Content(),  # WhatsApp's: what it says stands at WhatsApp
}
