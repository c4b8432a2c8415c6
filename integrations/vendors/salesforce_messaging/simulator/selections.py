"""How the simulated org takes an answer to what was offered: strictly, and as the desk shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from integrations.vendors.salesforce_messaging.simulator.checks import (
    NONE,
    Shape,
    VendorError,
    check_one_of,
    check_shape,
)
from integrations.vendors.salesforce_messaging.simulator.state import Conversation

Json = Mapping[str, Any]

SELECTIONS: Shape = {"formatType": (str, True), "selectedOptions": (list, True)}
SELECTED: Shape = {
    "optionIdentifier": (str, True),
    "optionId": ((str, NONE), False),
    "optionTitle": ((dict, NONE), False),
}
FORM_SELECTIONS: Shape = {"formatType": (str, True), "sections": (list, True)}
SECTION: Shape = {"sectionId": (str, False), "selectedOptions": (list, True)}
INPUTS: Shape = {
    "formatType": (str, True),
    "formTitle": ((dict, NONE), False),
    "inputValues": (list, True),
}
_INPUT_VALUE: Shape = {
    "inputValueType": (str, True),
    "inputId": (str, True),
    "inputlabel": ((dict, NONE), False),
}
INPUT_VALUES: Mapping[str, Shape] = {
    "SingleInputValue": {
        **_INPUT_VALUE,
        "displayValue": ((str, NONE), False),
        "value": (dict, True),
    },
    "SelectedOptionsInputValue": {**_INPUT_VALUE, "selectedOptions": (list, True)},
}
# Type of a value -> where it is.
VALUE_KEYS = {"TextValue": "textValue", "DateValue": "dateValue"}
_SELECTS = ("SelectInput", "OptionPickerInput")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def offered(message: object) -> Iterator[tuple[str, str]]:
    """Yield identifier and title of everything in a message that can be taken."""
    if isinstance(message, list):
        for item in message:
            yield from offered(item)
    elif isinstance(message, Mapping):
        if isinstance(message.get("optionIdentifier"), str):
            titled = message.get("titleItem") or message
            title = titled.get("title") or message.get("startTime")
            yield message["optionIdentifier"], str(title or message["optionIdentifier"])
        for item in message.values():
            yield from offered(item)


# -- Taking it in ----------------------------------------------------------------------------------


def check_answer(conversation: Conversation, message: Json, *, is_strict: bool) -> None:
    """Refuse an answer to nothing, or one that names what was not offered."""
    kind = message["messageType"]
    if kind == "ChoicesResponseMessage":
        offer = _offer(conversation, message, "ChoicesMessage")
        response = check_shape(message["choicesResponse"], SELECTIONS, is_strict=is_strict)
        check_one_of(response["formatType"], ("Selections",), "formatType")
        _check_selected(response["selectedOptions"], offer, is_strict=is_strict)
    elif kind == "FormResponseMessage":
        form = _offer(conversation, message, "FormMessage")["form"]
        response = message["formResponse"]
        if form["formatType"] == "ListPicker":
            _check_sections(response, form, is_strict=is_strict)
        else:
            _check_inputs(response, form, is_strict=is_strict)


def _offer(conversation: Conversation, message: Json, kind: str) -> Json:
    entry = conversation.entry(message.get("inReplyToMessageId") or "")
    offer: Json = entry.payload.get("abstractMessage", {}) if entry else {}
    if offer.get("messageType") != kind:
        raise VendorError(400, f"inReplyToMessageId names no {kind} of this conversation.")
    return offer


def _check_selected(selected: list[Any], offer: object, *, is_strict: bool) -> None:
    known = dict(offered(offer))
    if not selected:
        raise VendorError(400, "selectedOptions must not be empty.")
    for one in selected:
        identifier = check_shape(one, SELECTED, is_strict=is_strict)["optionIdentifier"]
        if identifier not in known:
            raise VendorError(400, f"There is no option {identifier!r} in that message.")


def _check_sections(response: object, form: Json, *, is_strict: bool) -> None:
    checked = check_shape(response, FORM_SELECTIONS, is_strict=is_strict)
    check_one_of(checked["formatType"], ("Selections",), "formatType")
    known = {one.get("id"): one for one in form["sections"]}
    for one in checked["sections"]:
        section = check_shape(one, SECTION, is_strict=is_strict)
        if section.get("sectionId") not in known:
            raise VendorError(400, "sectionId names no section of the form.")
        asked = known[section.get("sectionId")]
        _check_selected(section["selectedOptions"], asked, is_strict=is_strict)
        _check_count(section["selectedOptions"], asked)


def _check_inputs(response: object, form: Json, *, is_strict: bool) -> None:
    checked = check_shape(response, INPUTS, is_strict=is_strict)
    check_one_of(checked["formatType"], ("Inputs",), "formatType")
    asked = {one["input"]["id"]: one["input"] for one in form["sections"]}
    for value in checked["inputValues"]:
        _check_value(value, asked, is_strict=is_strict)
    given = {value["inputId"] for value in checked["inputValues"]}
    if missing := [one for one in asked if asked[one].get("required") and one not in given]:
        raise VendorError(400, f"Missing input: {', '.join(missing)}")


def _check_value(value: object, asked: Mapping[str, Json], *, is_strict: bool) -> None:
    kind = value.get("inputValueType") if isinstance(value, Mapping) else None
    check_one_of(str(kind), tuple(INPUT_VALUES), "inputValueType")
    checked = check_shape(value, INPUT_VALUES[str(kind)], is_strict=is_strict)
    if checked["inputId"] not in asked:
        raise VendorError(400, f"There is no input {checked['inputId']!r} in that form.")
    one = asked[checked["inputId"]]
    if (kind == "SelectedOptionsInputValue") != (one["inputType"] in _SELECTS):
        raise VendorError(400, f"inputValueType does not suit {checked['inputId']!r}.")
    if kind == "SelectedOptionsInputValue":
        _check_selected(checked["selectedOptions"], one, is_strict=is_strict)
        _check_count(checked["selectedOptions"], one)
        return
    _check_single(checked["value"], one)


def _check_count(selected: list[Any], asked: Json) -> None:
    if len(selected) > 1 and not asked.get("multipleSelection"):
        raise VendorError(400, "Only one option can be selected.")


def _check_single(value: Json, asked: Json) -> None:
    is_day = asked["inputType"] == "DatePickerInput"
    kind = "DateValue" if is_day else "TextValue"
    text = value.get(VALUE_KEYS[kind])
    if value.get("valueType") != kind or not isinstance(text, str):
        raise VendorError(400, f"The value of {asked['id']!r} must be a {kind}.")
    if is_day and not _is_day(text):
        raise VendorError(400, f"{asked['id']!r} is no date.")


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


# -- For the desk ----------------------------------------------------------------------------------


def answer_view(conversation: Conversation, abstract: Json) -> dict[str, Any] | None:
    """Return what an answer says, for the desk; None for any other message."""
    entry = conversation.entry(abstract.get("inReplyToMessageId") or "")
    titles = dict(offered(entry.payload)) if entry else {}
    replied = {"inReplyToMessageId": abstract.get("inReplyToMessageId")}
    if abstract["messageType"] == "ChoicesResponseMessage":
        chosen = _identifiers(abstract["choicesResponse"])
        label = ", ".join(titles.get(one, one) for one in chosen)
        return {"label": label, "optionIdentifier": chosen[0], **replied}
    if abstract["messageType"] == "FormResponseMessage":
        values = dict(_values(abstract["formResponse"]))
        label = ", ".join(titles.get(value, value) for value in values.values())
        return {"label": label, "values": values, **replied}
    return None


def _identifiers(response: Json) -> list[str]:
    return [one["optionIdentifier"] for one in response["selectedOptions"]]


def _values(response: Json) -> Iterator[tuple[str, str]]:
    for section in response.get("sections", []):
        yield section["sectionId"], ", ".join(_identifiers(section))
    for value in response.get("inputValues", []):
        if "selectedOptions" in value:
            yield value["inputId"], ", ".join(_identifiers(value))
        else:
            single = value["value"]
            yield value["inputId"], single[VALUE_KEYS[single["valueType"]]]
