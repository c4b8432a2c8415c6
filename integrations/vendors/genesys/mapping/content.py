"""Reads what a message of Genesys's shows: its text, what it offers, and its files.

The kinds and their fields are those of ConversationMessageContent in the Platform API's models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from integrations.contract.rich_content import (
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
    as_moment,
    as_object,
    as_objects,
    as_text,
    count_read,
    joined,
)
from integrations.kit.pasted import split_address

BUTTON, QUICK_REPLY, DATE_PICKER = "Button", "QuickReply", "DatePicker"
DATE_FIELD = "date"
_MAX_KIND = 60
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(slots=True, kw_only=True)
class MessageContent:
    """What was read so far; `said` is the message's own text, `lines` are those of its parts."""

    said: str = field(default="", repr=False)
    lines: list[str] = field(default_factory=list, repr=False)
    choices: list[Choice] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    place: str = field(default="", repr=False)
    form: Form | None = None
    files: list[VendorFile] = field(default_factory=list)
    unknown_kind: str = ""
    unknown_url: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """Return all text once: what a template says is often the message's own text as well."""
        lines = [line.strip() for line in self.lines]
        if not self.said.strip() or _holds(joined(*lines), self.said):
            return joined(*lines)
        return joined(self.said, *(line for line in lines if not _holds(self.said, line)))

    @property
    def rich(self) -> RichContent:
        """Return what is offered beside the text."""
        return RichContent(
            choices=tuple(self.choices),
            cards=tuple(self.cards),
            slots=tuple(self.slots),
            place=self.place,
            form=self.form,
            unknown_kind=self.unknown_kind,
            unknown_url=self.unknown_url,
        )


def content_of(body: Json) -> MessageContent:
    """Read a message whole; it is empty where there is nothing to show."""
    found = MessageContent(said=as_text(body.get("text")))
    for content in as_objects(body.get("content")):
        kind = as_text(content.get("contentType")) or _kind_by_part(content)
        part = _part(content, kind)
        reader = _READERS.get(kind)
        if reader is None or not part:
            _read_unknown(found, part, kind)
        else:
            reader(found, part)
    return found


def answer_token(kind: str, text: str, payload: str) -> str:
    """Return what a structured response is made of; `text` empty means: as the end user saw it."""
    return json.dumps({"type": kind, "text": text, "payload": payload}, ensure_ascii=False)


def _part(content: Json, kind: str) -> Json:
    name = {"Notification": "template", "Mention": "story"}.get(kind, kind[:1].lower() + kind[1:])
    return as_object(content.get(name))


def _kind_by_part(content: Json) -> str:
    return next((kind for kind in _READERS if _part(content, kind)), "")


def _holds(text: str, part: str) -> bool:
    """Say whether whole lines of a text are the part, whatever the blanks."""
    return f"\n{_folded(part)}\n" in f"\n{_folded(text)}\n"


def _folded(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(filter(None, lines))


# ---- one reader for each kind ----


def _read_unknown(found: MessageContent, part: Json, kind: str) -> None:
    """Name what has no place in the model, with its title and its address where it has them."""
    found.unknown_kind = kind[:_MAX_KIND] or "untyped"
    found.unknown_url = found.unknown_url or _web(part.get("url"))
    _read_prompt(found, as_object(part.get("receivedMessage") or part.get("introduction")))


def _read_text(found: MessageContent, text: Json) -> None:
    found.lines.append(as_text(text.get("body")))


def _read_attachment(found: MessageContent, attachment: Json) -> None:
    url, text = as_text(attachment.get("url")), as_text(attachment.get("text"))
    if attachment.get("mediaType") == "Link":
        found.choices += _link(text, url)
    elif url:
        mime_type = as_text(attachment.get("mime")) or "application/octet-stream"
        name = as_text(attachment.get("filename")) or text or _name_in(url)
        found.files.append(VendorFile(file_name=name, mime_type=mime_type, url=url))


def _read_quick_reply(found: MessageContent, reply: Json) -> None:
    found.choices += _reply(
        QUICK_REPLY, reply, payload=as_text(reply.get("payload")), image=reply.get("image")
    )


def _read_quick_replies(found: MessageContent, replies: Json) -> None:
    found.lines.append(as_text(replies.get("title")))
    for reply in as_objects(replies.get("actions")):
        _read_quick_reply(found, reply)


def _read_card(found: MessageContent, card: Json) -> None:
    actions = [*as_objects(card.get("actions")), as_object(card.get("defaultAction"))]
    choices = [choice for action in actions for choice in _action(action)]
    choices += _link("", as_text(card.get("video")))
    shown = Card(
        title=as_text(card.get("title")),
        text=as_text(card.get("description")),
        image_url=_web(card.get("image")),
        choices=_once(choices),
    )
    if shown != Card(title=""):
        found.cards.append(shown)


def _read_carousel(found: MessageContent, carousel: Json) -> None:
    for card in as_objects(carousel.get("cards")):
        _read_card(found, card)


def _read_date_picker(found: MessageContent, picker: Json) -> None:
    _read_prompt(found, picker)
    found.place = found.place or _place(picker.get("location"))
    times = as_objects(picker.get("availableTimes"))
    found.slots += [slot for time in times for slot in _slot(time)]
    if not times:
        _read_free_date(found, picker)


def _read_free_date(found: MessageContent, picker: Json) -> None:
    """Ask for a day where the picker names no times; its bounds are told in words."""
    moments = (as_moment(picker.get(name)) for name in ("dateMinimum", "dateMaximum"))
    bounds = " - ".join(moment.date().isoformat() for moment in moments if moment)
    found.lines.append(bounds)
    day = FormField(
        name=DATE_FIELD, label=as_text(picker.get("title")), kind=FieldKind.DATE, is_required=True
    )
    found.form = Form(fields=(day,), token=answer_token(DATE_PICKER, "", ""))


def _read_list_picker(found: MessageContent, picker: Json) -> None:
    """Show a section as a card where there are several; the answer goes as text, see README."""
    _read_prompt(found, as_object(picker.get("receivedMessage")))
    sections = as_objects(picker.get("sections"))
    for section in sections:
        title, items = as_text(section.get("title")), as_objects(section.get("items"))
        choices = tuple(choice for item in items for choice in _item(item))
        if len(sections) == 1:
            found.lines.append(title)
            found.choices += choices
        elif title or choices:
            found.cards.append(Card(title=title, choices=choices))


def _read_prompt(found: MessageContent, prompt: Json) -> None:
    """Read what stands over a picker or a form; with its image it is a card."""
    title, text = as_text(prompt.get("title")), as_text(prompt.get("subtitle"))
    if image_url := _web(prompt.get("imageUrl")):
        found.cards.append(Card(title=title, text=text, image_url=image_url))
    else:
        found.lines += [title, text]


def _read_template(found: MessageContent, template: Json) -> None:
    for name in ("header", "body", "footer"):
        part = as_object(template.get(name))
        text, parameters = as_text(part.get("text")), _parameters(part)
        line = _filled(text, parameters)
        if text and _folded(text) == _folded(found.said):
            found.said = line
        found.lines.append(line or (joined(*parameters.values()) if name == "body" else ""))
        if media := as_object(part.get("media")):
            _read_attachment(found, media)
    for button in as_objects(template.get("buttons")):
        found.choices += _template_button(button)


def _read_location(found: MessageContent, location: Json) -> None:
    found.lines.append(_place(location))
    found.choices += _link(as_text(location.get("text")), as_text(location.get("url")))


def _read_rich_link(found: MessageContent, link: Json) -> None:
    header = as_object(link.get("header"))
    kind, value = as_text(header.get("type")), as_text(header.get("value"))
    text, footer = as_text(link.get("text")), as_text(link.get("footer"))
    title = value if kind == "Text" else ""
    lines = [line for line in (title, text, footer) if line]
    found.cards.append(
        Card(
            title=lines[0] if lines else "",
            text="\n".join(lines[1:]),
            image_url=_web(value) if kind == "Image" else "",
            choices=_link(as_text(link.get("urlLabel")), as_text(link.get("url"))),
        )
    )


_READERS: Mapping[str, Callable[[MessageContent, Json], None]] = {
    "Attachment": _read_attachment,
    "Card": _read_card,
    "Carousel": _read_carousel,
    "DatePicker": _read_date_picker,
    "ListPicker": _read_list_picker,
    "Location": _read_location,
    "Notification": _read_template,
    "QuickReply": _read_quick_reply,
    "QuickReplyV2": _read_quick_replies,
    "RichLink": _read_rich_link,
    "Text": _read_text,
}


# ---- what can be taken ----


def _action(action: Json) -> tuple[Choice, ...]:
    if action.get("type") == "Link":
        return _link(as_text(action.get("text")), as_text(action.get("url")))
    return _reply(BUTTON, action, payload=as_text(action.get("payload")))


def _reply(kind: str, button: Json, *, payload: str, image: object = None) -> tuple[Choice, ...]:
    text = as_text(button.get("text"))
    if not text.strip():
        return ()
    # A payload is demanded back; where a button has none, its text is all there is.
    token = answer_token(kind, text, payload or text)
    return (Choice(label=text, token=token, image_url=_web(image)),)


def _template_button(button: Json) -> tuple[Choice, ...]:
    parameters = _parameters(button)
    known = {
        name: _filled(as_text(button.get(name)), parameters)
        for name in ("text", "url", "payload", "phoneNumber")
    }
    if button.get("type") == "Url":
        return _link(known["text"], known["url"])
    if button.get("type") == "PhoneNumber":
        phone, label = known["phoneNumber"], known["text"] or known["phoneNumber"]
        return (Choice(label=label, kind=ChoiceKind.PHONE, url=phone),) if phone else ()
    return _reply(QUICK_REPLY, known, payload=known["payload"])


def _item(item: Json) -> tuple[Choice, ...]:
    title = as_text(item.get("title"))
    if not title.strip():
        return ()
    choice = Choice(
        label=title,
        # Open Messaging takes no response of a list picker: the title goes as a text.
        token=answer_token("", title, as_text(item.get("id"))),
        image_url=_web(item.get("imageUrl")),
        description=as_text(item.get("subtitle")),
    )
    return (choice,)


def _slot(time: Json) -> tuple[Slot, ...]:
    written = as_text(time.get("dateTime"))
    starts_at = as_moment(written)
    if starts_at is None:
        return ()
    token = answer_token(DATE_PICKER, "", written)
    return (
        Slot(starts_at=starts_at, token=token, duration_seconds=as_count(time.get("duration"))),
    )


def _link(label: str, url: str) -> tuple[Choice, ...]:
    address = _web(url)
    return (Choice(label=label or address, kind=ChoiceKind.LINK, url=address),) if address else ()


def _once(choices: list[Choice]) -> tuple[Choice, ...]:
    """Leave out what a default action repeats of the actions before it."""
    kept: dict[tuple[ChoiceKind, str], Choice] = {}
    for choice in choices:
        kept.setdefault((choice.kind, choice.url or choice.token), choice)
    return tuple(kept.values())


# ---- small things ----


def _parameters(part: Json) -> dict[str, str]:
    """Return what is to stand in a part of a template, by name, in the vendor's order."""
    parameters = as_objects(part.get("parameters"))
    return {as_text(item.get("name")): as_text(item.get("text")) for item in parameters}


def _filled(text: str, parameters: Mapping[str, str]) -> str:
    """Put values in the place of `{{name}}` and `{{1}}`; what nobody filled in is left out.

    Where the vendor has filled in by itself, nothing is left to replace.
    """
    values = list(parameters.values())

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in parameters:
            return parameters[name]
        number = count_read(name) or 0
        return values[number - 1] if 1 <= number <= len(values) else ""

    return _PLACEHOLDER.sub(value, text)


def _place(location: object) -> str:
    """Read a place, which the contract's page has as a text and the models as an object."""
    place = as_object(location)
    parts = (as_text(location), as_text(place.get("text")), as_text(place.get("address")))
    return ", ".join(filter(None, parts))


def _web(url: object) -> str:
    address = as_text(url).strip()
    return address if address.lower().startswith(("https://", "http://")) else ""


def _name_in(url: str) -> str:
    """Return the last part of an address as somebody would have written it."""
    return unquote(split_address(url).path.rpartition("/")[2]) or "file"
