"""What Salesforce is told: a handoff's beginning, then what the end user says and answers.

A token of an offer is a JSON text of ours: it names what the vendor wants back.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence

from integrations.contract.connector import HandoffRequest, OutboundMessage
from integrations.contract.rich_content import Answer, Choice, FieldKind, Form, FormField
from integrations.kit.cutting import json_bytes, pieces, shortened
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text, json_text
from integrations.kit.transcript import (
    Limits,
    summary_texts,
    transcript_is_wanted,
    transcript_texts,
)

MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_VALUE = 1024
# Requests above 8 KB are refused by one account; what is around the text needs some room.
_BODY_BYTES = 7500
_MAX_TEXT_BYTES = 7000
_MIN_TEXT_BYTES = 1000
# 22 messages a minute are allowed in a conversation, and the end user wants to write too.
MAX_TRANSCRIPT_PARTS = 12

_ATTRIBUTE_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason")
_MAPPING_HINTS = ("attributes", "pre_chat", "routing_attributes")  # later ones win
_REGION = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")
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


def conversation_id_for(handoff_id: str) -> str:
    """Return the id under which a handoff's conversation exists in Salesforce."""
    return stable_id("salesforce_messaging", "conversation", handoff_id)


def read_pairs(text: str) -> dict[str, str]:
    """Read a key-value field, a JSON object; raises ValueError for anything else."""
    if not text.strip():
        return {}
    pairs = json.loads(text)
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return _attributes(pairs)


def routing_attributes(
    request: HandoffRequest, credentials: Mapping[str, str], *, is_authenticated: bool
) -> dict[str, str]:
    """Merge configured attributes, hints, the tool's own and ours; later ones win."""
    routing = request.routing
    merged = read_pairs(credentials.get("routing_attributes", ""))
    merged |= _attributes({name: routing.get(name) for name in _ATTRIBUTE_HINTS})
    if "subject" in merged:
        merged["_subject"] = merged["subject"]
    merged |= _identity_attributes(request)
    for name in _MAPPING_HINTS:
        merged |= _attributes(hint_pairs(routing.get(name)))
    kind = "authenticated" if is_authenticated else "unauthenticated"
    merged[credentials.get("session_attribute_name") or "PortalSessionId"] = request.conversation_id
    merged[credentials.get("consumer_type_attribute") or "Chat_Consumer_Type"] = kind
    return merged


def session_opening(attributes: Mapping[str, str], language: str) -> dict[str, object]:
    """Return what a message carries that opens a session; the language only where it is known."""
    opening: dict[str, object] = {"routingAttributes": dict(attributes)}
    return opening | ({"language": language} if language else {})


def text_limit(opening: Mapping[str, object]) -> int:
    """Return how long a text may be, as JSON, beside what opens a session."""
    room = _BODY_BYTES - len(json_text(opening).encode())
    return max(min(room, _MAX_TEXT_BYTES), _MIN_TEXT_BYTES)


def language_for(request: HandoffRequest) -> str:
    """Return a locale as Salesforce writes it, such as en_US; empty when there is none."""
    wanted = request.routing.get("language") or request.locale
    parts = re.split(r"[-_]", wanted) if isinstance(wanted, str) else []
    if not parts or not _LANGUAGE.fullmatch(parts[0]):
        return ""
    region = next((part.upper() for part in parts[1:] if _REGION.fullmatch(part)), "")
    return parts[0].lower() + (f"_{region}" if region else "")


def opening_messages(request: HandoffRequest, limit: int) -> list[tuple[str, str]]:
    """Return id and text of what is written before anything else: summary, then transcript."""
    limits = Limits(size=limit, measure=json_bytes, parts=MAX_TRANSCRIPT_PARTS)
    texts = [(f"summary:{n}", text) for n, text in enumerate(summary_texts(request, limits))]
    if transcript_is_wanted(request):
        parts = transcript_texts(request.transcript, limits)
        texts += [(f"transcript:{n}", text) for n, text in enumerate(parts)]
    return [(stable_id("message", request.handoff_id, name), text) for name, text in texts]


def _identity_attributes(request: HandoffRequest) -> dict[str, str]:
    """Give name and e-mail: vouched for, or given by the tool; never what a visitor claims."""
    user = identity_of(request)
    found = {"_firstName": user.first_name, "_lastName": user.last_name, "_email": user.email}
    return _attributes({name: value for name, value in found.items() if value})


def _attributes(values: Mapping[str, object]) -> dict[str, str]:
    """Turn scalars and lists into the strings Salesforce takes; None means not given."""
    pairs = hint_pairs(values).items()
    return {name: shortened(hint_text(value), MAX_ATTRIBUTE_VALUE) for name, value in pairs}


# -- What the end user says and takes --------------------------------------------------------------


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
    return stable_id("salesforce_messaging", "part", message_id, str(limit), str(number))


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
