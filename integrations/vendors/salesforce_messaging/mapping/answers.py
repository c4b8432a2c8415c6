"""What the end user says, as messages of Salesforce's: a text, a choice taken, a form filled in.

A token is a JSON text of ours: it names what the vendor wants back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from integrations.contract.connector import OutboundMessage
from integrations.contract.rich_content import Answer
from integrations.kit.cutting import json_bytes, pieces
from integrations.kit.json_values import Json, as_object, as_text, json_text
from integrations.vendors.salesforce_messaging.mapping.start import stable_id

# What a field of a form takes; `SELECTED` is no type of a value in Salesforce's words.
TEXT_VALUE = "TextValue"
DATE_VALUE = "DateValue"
SELECTED = "SelectedOptions"
_VALUE_KEYS = {TEXT_VALUE: "textValue", DATE_VALUE: "dateValue"}


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
