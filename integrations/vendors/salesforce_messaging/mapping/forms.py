"""Forms of Salesforce's: the questions that we can draw, and what their answer needs."""

from __future__ import annotations

from integrations.contract.rich_content import Choice, FieldKind, Form, FormField
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.vendors.salesforce_messaging.mapping.answers import (
    DATE_VALUE,
    SELECTED,
    TEXT_VALUE,
    form_token,
    option_token,
)

_SELECTS = ("SelectInput", "OptionPickerInput")
# A part of a form that asks nothing.
_DECORATION = ("StaticTitle", "StaticFooter")
_TEXT_KINDS = {"EmailAddress": FieldKind.EMAIL, "Number": FieldKind.NUMBER}
_KEYBOARDS = {
    "EmailAddress": FieldKind.EMAIL,
    "NumberPad": FieldKind.NUMBER,
    "DecimalPad": FieldKind.NUMBER,
}


def form_of(form: Json) -> Form | None:
    """Read a form; None for one with a question that we cannot draw, or without any."""
    if form.get("formatType") == "ListPicker":
        return _list_picker(form)
    inputs = [as_object(one.get("input")) for one in as_objects(form.get("sections"))]
    asked = [one for one in inputs if one.get("inputType") not in _DECORATION]
    fields = [_field(one) for one in asked]
    drawn = [field for field in fields if field is not None]
    if not drawn or len(drawn) < len(fields):
        return None
    title = as_text(as_object(form.get("formTitle")).get("title"))
    return _form("Inputs", title, drawn)


def _list_picker(form: Json) -> Form | None:
    """Read a list picker: each section is a question with options."""
    fields = [
        FormField(
            name=as_text(section.get("id")) or str(number),
            label=as_text(section.get("title")),
            kind=FieldKind.SELECT,
            options=_options(section),
        )
        for number, section in enumerate(as_objects(form.get("sections")))
    ]
    if not fields or not all(field.options for field in fields):
        return None
    return _form("Selections", "", fields)


def _form(format_type: str, title: str, fields: list[FormField]) -> Form:
    kinds = {field.name: _value_kind(field) for field in fields}
    titles = {one.token: one.label for field in fields for one in field.options}
    token = form_token(format_type, title, kinds, titles)
    return Form(fields=tuple(fields), title=title, token=token)


def _value_kind(field: FormField) -> str:
    kinds = {FieldKind.SELECT: SELECTED, FieldKind.DATE: DATE_VALUE}
    return kinds.get(field.kind, TEXT_VALUE)


def _field(asked: Json) -> FormField | None:
    """Read one question; None for a kind that has no place in our model."""
    kind, name = _kind(asked), as_text(asked.get("id"))
    options = _options(asked) if kind is FieldKind.SELECT else ()
    if kind is None or not name or (kind is FieldKind.SELECT and not options):
        return None
    return FormField(
        name=name,
        label=as_text(as_object(asked.get("label")).get("title"))
        or as_text(asked.get("placeholder"))
        or as_text(asked.get("hintText"))
        or name,
        kind=kind,
        options=options,
        is_required=asked.get("required") is True,
        value=_first_value(asked, options),
    )


def _kind(asked: Json) -> FieldKind | None:
    input_type = as_text(asked.get("inputType"))
    if input_type in _SELECTS:
        return FieldKind.SELECT
    if input_type == "DatePickerInput":
        return FieldKind.DATE
    if input_type != "TextInput":
        return None
    by_content = _TEXT_KINDS.get(as_text(asked.get("textContentType")))
    return by_content or _KEYBOARDS.get(as_text(asked.get("keyboardType")), FieldKind.TEXT)


def _options(holder: Json) -> tuple[Choice, ...]:
    found = as_objects(holder.get("optionItems"))
    return tuple(
        Choice(
            label=as_text(as_object(one.get("titleItem")).get("title")) or identifier,
            token=option_token(identifier),
        )
        for one in found
        if (identifier := as_text(one.get("optionIdentifier")))
    )


def _first_value(asked: Json, options: tuple[Choice, ...]) -> str:
    """Return what the vendor has filled in: a text, or the token of an option."""
    index = as_count(asked.get("selectedOptionIndex"))
    if options:
        return options[index].token if index is not None and index < len(options) else ""
    return as_text(as_object(asked.get("initialValue")).get("stringValue"))
