"""Reads what a message offers beside its text: choices, cards, times, a form."""

from __future__ import annotations

from integrations.contract.rich_content import (
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    Markup,
    RichContent,
    Slot,
)
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_objects, as_text
from integrations.vendors.custom.mapping.calls import few

_CHOICE_KINDS = {"link": ChoiceKind.LINK, "phone": ChoiceKind.PHONE}
_FIELD_KINDS = {kind.value: kind for kind in FieldKind}


def rich_of(data: Json) -> RichContent:
    """Return what the data of a message or an edit offers; what cannot be read is left out."""
    return RichContent(
        choices=_choices(data),
        cards=tuple(_card(card) for card in as_objects(data.get("cards"))),
        slots=tuple(slot for given in as_objects(data.get("slots")) if (slot := _slot(given))),
        place=as_text(data.get("place")),
        form=_form(as_object(data.get("form"))),
    )


def markup_of(data: Json) -> Markup:
    """Return how the text is written."""
    return Markup.MARKDOWN if data.get("markup") == "markdown" else Markup.PLAIN


def _choices(data: Json, name: str = "choices") -> tuple[Choice, ...]:
    return tuple(choice for given in as_objects(data.get(name)) if (choice := _choice(given)))


def _choice(given: Json) -> Choice | None:
    """Read a choice; without a label there is nothing to show, without a target nothing to take."""
    label, url = as_text(given.get("label")).strip(), as_text(given.get("url"))
    kind = _CHOICE_KINDS.get(as_text(given.get("kind")), ChoiceKind.REPLY)
    token = as_id(given.get("id"))
    if not label or not (token if kind is ChoiceKind.REPLY else url):
        return None
    return Choice(
        label=label,
        token=token,
        kind=kind,
        url=url,
        image_url=as_text(given.get("image_url")),
        description=as_text(given.get("description")),
    )


def _card(given: Json) -> Card:
    return Card(
        title=as_text(given.get("title")),
        text=as_text(given.get("text")),
        image_url=as_text(given.get("image_url")),
        choices=_choices(given),
    )


def _slot(given: Json) -> Slot | None:
    starts_at, token = as_moment(given.get("starts_at")), as_id(given.get("id"))
    if starts_at is None or not token:
        return None
    return Slot(
        starts_at=starts_at,
        token=token,
        duration_seconds=few(given.get("duration_seconds")),
        label=as_text(given.get("label")),
    )


def _form(given: Json) -> Form | None:
    fields = tuple(_field(one) for one in as_objects(given.get("fields")) if one.get("name"))
    if not fields:
        return None
    return Form(fields=fields, title=as_text(given.get("title")), token=as_id(given.get("id")))


def _field(given: Json) -> FormField:
    name, options = as_text(given.get("name")), _choices(given, "options")
    kind = FieldKind.SELECT if options else _FIELD_KINDS.get(as_text(given.get("kind")))
    return FormField(
        name=name,
        label=as_text(given.get("label")) or name,
        kind=kind or FieldKind.TEXT,
        options=options,
        is_required=given.get("is_required") is True,
        value=as_text(given.get("value")),
    )
