"""The line that a message becomes which offers something: readable as text, and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from handoffs.models import Handoff
from handoffs.sending.offers import RichLine
from integrations.behaviour.sentences import sentence
from integrations.contract.events import LiveAgentMessage, LiveAgentMessageEdited, VendorEvent
from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    Form,
    FormField,
    Markup,
    RichContent,
)
from integrations.kit.markdown_text import readable
from integrations.kit.text_form import (
    FORM_ID,
    choice_id,
    form_text,
    localised,
    option_id,
    replies,
    slot_id,
    text_form,
    zone_named,
)

_URL = "ATTACHMENT_CONTENT_TYPE_URL"


def rich_line(handoff: Handoff, text: str, markup: Markup, rich: RichContent) -> RichLine:
    """Return what a message becomes in this conversation; its images must be ours already."""
    if not rich and markup is Markup.PLAIN:
        return RichLine(text=text if text.strip() else "", payload={}, replies={}, form=None)
    conversation = handoff.conversation
    locale = conversation.locale
    rich = localised(rich, locale=locale, zone=zone_named(conversation.time_zone))
    words = [readable(text, markup), *_told(rich, conversation.tongue)]
    shown = "\n".join(filter(None, words))
    return RichLine(
        text=shown,
        payload=_payload(text, markup, rich, text_form(shown, _without_form(rich))),
        replies={one.id: {"label": one.label, "token": one.token} for one in replies(rich)},
        form=_kept_form(rich.form) if rich.form else None,
    )


def plain_said(event: LiveAgentMessage) -> tuple[str, dict[str, Any]]:
    """Return the readable text of a message that offers nothing, and its further payload."""
    text = readable(event.text, event.markup)
    if event.markup is Markup.PLAIN:
        return text if text.strip() else "", {}
    return text, {"content": _content(event.text, event.markup, NO_RICH_CONTENT, text)}


def notes_of(event: VendorEvent) -> list[dict[str, str]]:
    """Return what an operator has to know of a message: what of it nobody could draw."""
    if not isinstance(event, LiveAgentMessage | LiveAgentMessageEdited):
        return []
    kind = event.rich.unknown_kind
    return [{"code": "not_drawn", "detail": kind[:120]}] if kind else []


def _told(rich: RichContent, locale: str) -> list[str]:
    """Return what is said of that which has no place beside a text."""
    told = [form_text(rich.form)] if rich.form else []
    if rich.unknown_kind:
        told += [sentence("content_not_drawn", locale), rich.unknown_url]
    return told


def _without_form(rich: RichContent) -> RichContent:
    return RichContent(choices=rich.choices, cards=rich.cards, slots=rich.slots, place=rich.place)


def _payload(text: str, markup: Markup, rich: RichContent, as_text: str) -> dict[str, Any]:
    return {
        "response_suggestions": [
            {"message_text": one.label, "payload": one.id} for one in replies(rich)
        ],
        "attachments": [_card_attachment(card) for card in rich.cards] + _links(rich),
        "chat_call_actions": _calls(rich),
        "content": _content(text, markup, rich, as_text),
    }


def _content(text: str, markup: Markup, rich: RichContent, as_text: str) -> dict[str, Any]:
    unknown = {"kind": rich.unknown_kind, "url": rich.unknown_url} if rich.unknown_kind else None
    return {
        "text": text,
        "markup": markup.value,
        "text_form": as_text,
        "choices": _choices(rich.choices),
        "cards": [_card(card, number) for number, card in enumerate(rich.cards, start=1)],
        "slots": [
            {
                "payload": slot_id(number),
                "starts_at": slot.starts_at.isoformat(),
                "duration_seconds": slot.duration_seconds,
                "label": slot.label,
            }
            for number, slot in enumerate(rich.slots, start=1)
        ],
        "place": rich.place,
        "form": _form(rich.form) if rich.form else None,
        "unknown": unknown,
    }


def _choices(choices: tuple[Choice, ...], card: int = 0) -> list[dict[str, str]]:
    return [_choice(one, choice_id(number, card)) for number, one in enumerate(choices, start=1)]


def _choice(choice: Choice, payload: str) -> dict[str, str]:
    shown = asdict(choice)
    optional = {name: shown[name] for name in ("url", "image_url", "description") if shown[name]}
    return {"payload": payload, "label": choice.label, "kind": choice.kind.value, **optional}


def _card(card: Card, number: int) -> dict[str, Any]:
    return {
        "title": card.title,
        "text": card.text,
        "image_url": card.image_url,
        "choices": _choices(card.choices, number),
    }


def _form(form: Form) -> dict[str, Any]:
    fields = [_field(one, number) for number, one in enumerate(form.fields, start=1)]
    return {"payload": FORM_ID, "title": form.title, "fields": fields}


def _field(asked: FormField, number: int) -> dict[str, Any]:
    options = [
        {"payload": option_id(number, at), "label": option.label}
        for at, option in enumerate(asked.options, start=1)
    ]
    return {
        "name": asked.name,
        "label": asked.label or asked.name,
        "kind": asked.kind.value,
        "options": options,
        "is_required": asked.is_required,
        "value": _shown_value(asked, options),
    }


def _shown_value(asked: FormField, options: list[dict[str, str]]) -> str:
    """Return what is filled in already; of a select the option's id, for tokens stay here."""
    if not asked.options:
        return asked.value
    pairs = zip(asked.options, options, strict=True)
    return next((shown["payload"] for one, shown in pairs if one.token == asked.value), "")


def _kept_form(form: Form) -> dict[str, Any]:
    """Return a form as it is kept for its answer."""
    fields = [
        {
            "name": asked.name,
            "label": asked.label or asked.name,
            "kind": asked.kind.value,
            "is_required": asked.is_required,
            "options": {
                option_id(number, at): {"label": option.label, "token": option.token}
                for at, option in enumerate(asked.options, start=1)
            },
        }
        for number, asked in enumerate(form.fields, start=1)
    ]
    return {"token": form.token, "title": form.title, "fields": fields}


def _card_attachment(card: Card) -> dict[str, str]:
    links = (choice for choice in card.choices if choice.kind is ChoiceKind.LINK)
    link = next(links, Choice(label=""))
    title = ": ".join(filter(None, (card.title, card.text)))
    return _attachment(title, card.image_url, link)


def _links(rich: RichContent) -> list[dict[str, str]]:
    """Return the links that no card's attachment carries already."""
    links = [one for one in rich.choices if one.kind is ChoiceKind.LINK]
    for card in rich.cards:
        links += [one for one in card.choices if one.kind is ChoiceKind.LINK][1:]
    return [_attachment(link.description or link.label, link.image_url, link) for link in links]


def _attachment(title: str, image_url: str, link: Choice) -> dict[str, str]:
    return {
        "title": title,
        "preview_image_url": image_url,
        "content_url": link.url,
        "content_type": _URL,
        "call_to_action_text": link.label,
    }


def _calls(rich: RichContent) -> list[dict[str, str]]:
    return [
        {"title": one.label, "contact_number": one.url.removeprefix("tel:")}
        for one in rich.every_choice
        if one.kind is ChoiceKind.PHONE
    ]
