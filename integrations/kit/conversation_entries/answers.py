"""What the end user says and takes, as messages of the schema, and the forms that ask something.

A token of an offer is a JSON text of ours: it names what the vendor wants back.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence

from integrations.contract.connector import OutboundMessage
from integrations.contract.rich_content import Answer, Choice, FieldKind, Form, FormField
from integrations.kit.cutting import json_bytes, pieces
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text, json_text

# What a field of a form takes; `SELECTED` is no type of a value in Salesforce's words.
TEXT_VALUE = "TextValue"
DATE_VALUE = "DateValue"
SELECTED = "SelectedOptions"
_VALUE_KEYS = {TEXT_VALUE: "textValue", DATE_VALUE: "dateValue"}
_SELECTS = ("SelectInput", "OptionPickerInput")
# A part of a form that asks nothing.
_DECORATION = ("StaticTitle", "StaticFooter")
_TEXT_KINDS = {"EmailAddress": FieldKind.EMAIL, "Number": FieldKind.NUMBER}
_KEYBOARDS = {
    "EmailAddress": FieldKind.EMAIL,
    "NumberPad": FieldKind.NUMBER,
    "DecimalPad": FieldKind.NUMBER,
}


def stable_id(*parts: str) -> str:
    """Make the same lowercase, version 4 shaped UUID for the same parts, on every try."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def option_token(identifier: str) -> str:
    """Name an option of a choices message."""
    return json_text({"optionIdentifier": identifier})


def text_token(text: str) -> str:
    """Name a text that goes back as if the end user had written it."""
    return json_text({"text": text})


def form_token(
    format_type: str, title: str, fields: Mapping[str, str], titles: Mapping[str, str]
) -> str:
    """Name a form: how it is answered, what each field takes, and the options by their tokens."""
    return json_text(
        {"formatType": format_type, "formTitle": title, "fields": fields, "titles": titles}
    )


def said(message_id: str, text: str) -> Json:
    """Return a plain text."""
    return {
        "id": message_id,
        "messageType": "StaticContentMessage",
        "staticContent": {"formatType": "Text", "text": text},
    }


def messages_of(message: OutboundMessage, limit: int) -> list[Json]:
    """Return what is sent for an end user's message, in order.

    A long text is cut; its last part has the id of the whole, so that the vendor's word about it
    is about all of them. The other ids follow from it and from the limit: a repeat is known again.
    """
    message_id = message.message_id.lower()
    if message.answer is not None and (answer := answered(message_id, message.answer)):
        return [answer]
    text = message.text
    if message.answer is not None:
        text = as_text(_token(message.answer).get("text")) or text
    parts = list(pieces(text, limit, json_bytes)) or [text]
    return [
        said(_part_id(message_id, limit, number) if number < len(parts) else message_id, part)
        for number, part in enumerate(parts, start=1)
    ]


def whole_of(part_id: str, message_ids: Sequence[str], limit: int) -> str:
    """Return which of these messages a part belongs to; the id itself where it is no part."""
    numbers = range(1, len(message_ids) + 1)
    return next(
        (one for one in message_ids for n in numbers if _part_id(one, limit, n) == part_id), part_id
    )


def answered(message_id: str, answer: Answer) -> Json | None:
    """Return the answer to a choice or a form; None for one that goes back as text."""
    token = _token(answer)
    base = {"id": message_id, "inReplyToMessageId": answer.vendor_message_id}
    if identifier := as_text(token.get("optionIdentifier")):
        selected = {
            "formatType": "Selections",
            "selectedOptions": [_selected(identifier, answer.label)],
        }
        return {**base, "messageType": "ChoicesResponseMessage", "choicesResponse": selected}
    if as_text(token.get("formatType")):
        response = _form_response(token, answer.values)
        return {**base, "messageType": "FormResponseMessage", "formResponse": response}
    return None


def _selected(identifier: str, title: str) -> Json:
    return {
        "optionIdentifier": identifier,
        "optionTitle": {"itemType": "TitleItem", "title": title},
    }


def _form_response(token: Json, values: Mapping[str, str]) -> Json:
    filled = [(name, kind) for name, kind in _fields(token) if values.get(name)]
    titles = as_object(token.get("titles"))
    if token.get("formatType") == "Selections":
        sections = [
            {"sectionId": name, "selectedOptions": [_chosen(values[name], titles)]}
            for name, _ in filled
        ]
        return {"formatType": "Selections", "sections": sections}
    inputs = [_input_value(name, kind, values[name], titles) for name, kind in filled]
    response: dict[str, object] = {"formatType": "Inputs", "inputValues": inputs}
    if title := as_text(token.get("formTitle")):
        response["formTitle"] = {"itemType": "TitleItem", "title": title}
    return response


def _fields(token: Json) -> Iterator[tuple[str, str]]:
    for name, kind in as_object(token.get("fields")).items():
        yield name, as_text(kind)


def _input_value(name: str, kind: str, value: str, titles: Json) -> Json:
    if kind == SELECTED:
        return {
            "inputValueType": "SelectedOptionsInputValue",
            "inputId": name,
            "selectedOptions": [_chosen(value, titles)],
        }
    return {
        "inputValueType": "SingleInputValue",
        "inputId": name,
        "displayValue": value,
        "value": {"valueType": kind, _VALUE_KEYS.get(kind, "textValue"): value},
    }


def _chosen(token: str, titles: Json) -> Json:
    identifier = as_text(_parsed(token).get("optionIdentifier"))
    return _selected(identifier, as_text(titles.get(token)))


def _part_id(message_id: str, limit: int, number: int) -> str:
    return stable_id("part", message_id, str(limit), str(number))


def _token(answer: Answer) -> Json:
    return _parsed(answer.token)


def _parsed(token: str) -> Json:
    try:
        return as_object(json.loads(token))
    except ValueError:
        return {}


# -- Forms -----------------------------------------------------------------------------------------


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
