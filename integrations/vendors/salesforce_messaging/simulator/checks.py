"""How the simulated messaging API reads a request: which it refuses, and with which words.

Imitates developer.salesforce.com/docs/service/messaging-api/references/miaw-api-reference. Where
the contract is unsure this is the strict reading; `strict_properties` relaxes unknown properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from integrations.vendors.salesforce_messaging.simulator.state import AccessToken, Conversation
from integrations.vendors.salesforce_messaging.simulator.world import Org

Json = Mapping[str, Any]

SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
UUID_TEXT = (
    "Invalid conversationId. Specify the conversationId in UUID format. "
    "The UUID must be in lowercase."
)
DEPLOYMENT_TEXT = (
    "Invalid esDeveloperName. Set esDeveloperName to the name of a deployment whose type is api."
)
ORG_TEXT = "OrgId in the header and token must match"
NONE = type(None)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

# The kind of a value: a type or several; the only texts it may be; a pattern; a list of one kind;
# or an object, by its properties. One whose name ends in a question mark may be left out.
TOKEN = {
    "orgId": str,
    "esDeveloperName": str,
    "capabilitiesVersion": str,
    "platform": ("Web", "Mobile"),
    "deviceId?": (str, NONE),
    "context?": dict,
}
IDENTITY_TOKEN = {**TOKEN, "authorizationType": ("JWT",), "customerIdentityToken": str}
CONVERSATION = {
    "conversationId": UUID,
    "esDeveloperName": str,
    "routingAttributes?": dict,
    "language?": str,
}
MESSAGE_REQUEST = {
    "message": dict,
    "esDeveloperName": str,
    "isNewMessagingSession?": bool,
    "routingAttributes?": dict,
    "language?": str,
}
SELECTED = {"optionIdentifier": str, "optionId?": (str, NONE), "optionTitle?": (dict, NONE)}
SELECTIONS = {"formatType": ("Selections",), "selectedOptions": [SELECTED]}
FORM_SELECTIONS = {
    "formatType": ("Selections",),
    "sections": [{"sectionId?": str, "selectedOptions": [SELECTED]}],
}
INPUTS = {"formatType": ("Inputs",), "formTitle?": (dict, NONE), "inputValues": [dict]}
_INPUT_VALUE = {"inputValueType": str, "inputId": str, "inputlabel?": (dict, NONE)}
INPUT_VALUES: Mapping[str, Json] = {
    "SingleInputValue": {**_INPUT_VALUE, "displayValue?": (str, NONE), "value": dict},
    "SelectedOptionsInputValue": {**_INPUT_VALUE, "selectedOptions": [SELECTED]},
}
_MESSAGE = {"id": UUID, "messageType": str, "inReplyToMessageId?": (str, NONE)}
MESSAGES: Mapping[str, Json] = {
    "StaticContentMessage": {**_MESSAGE, "staticContent": {"formatType": ("Text",), "text": str}},
    "ChoicesResponseMessage": {
        "id": UUID,
        "messageType": str,
        "inReplyToMessageId": str,
        "choicesResponse": SELECTIONS,
    },
    "FormResponseMessage": {**_MESSAGE, "formResponse": dict},
}
FILE_REQUEST = {
    "message": {
        "id": UUID,
        "fileId": UUID,
        "text?": (str, NONE),
        "inReplyToMessageId?": (str, NONE),
    },
    "esDeveloperName": str,
}
ENTRY = {"entryType": ("TypingStartedIndicator", "TypingStoppedIndicator"), "id": UUID}
ACKS = {"acks": [{"id": UUID, "entryType": ("Delivery", "Read"), "conversationEntryId": str}]}
# Type of a value in a form's answer -> where it is.
VALUE_KEYS = {"TextValue": "textValue", "DateValue": "dateValue"}
_SELECTS = ("SelectInput", "OptionPickerInput")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class VendorError(Exception):
    """The simulated API refuses a request."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or error_code(status)


def error_code(status: int) -> str:
    """Return the vendor's name for a status."""
    if status == 413:
        return "PAYLOAD_TOO_LARGE"
    return next((known.name for known in HTTPStatus if known == status), "ERROR")


class Call:
    """One request: who asks, about what, and what for; each reading refuses what is not right."""

    def __init__(self, org: Org, request: Request, content: bytes, form: FormData) -> None:
        self.org = org
        self.headers = request.headers
        self.query = request.query_params
        self.path = request.url.path
        self.names = request.path_params
        self.form = form
        self.is_strict = org.switches.strict_properties
        self._content = content

    def token(self) -> AccessToken:
        """Return the token under which the call is made."""
        scheme, _, bearer = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise VendorError(401, "Jwt is missing")
        token = self.org.tokens.get(bearer.strip())
        if token is None or token.problem:
            raise VendorError(401, token.problem if token else "Jwt verification fails")
        return token

    def conversation(self) -> Conversation:
        """Return the conversation of the path, which must be the token's."""
        token = self.token()
        conversation = self.org.conversations.get(self.names["conversation_id"])
        if conversation is None or conversation.subject != token.subject:
            raise VendorError(404, "The conversation was not found.")
        return conversation

    def participant(self) -> dict[str, str]:
        """Return the end user as the sender of an entry."""
        token = self.token()
        return self.org.end_users[token.subject].participant(token.client_identifier)

    def body(self, kind: Json) -> Json:
        """Return the body, which names the deployment wherever its kind asks for one."""
        if self.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json.")
        if len(self._content) > self.org.switches.max_body_bytes:
            raise VendorError(413, "The request is larger than the allowed size.")
        parsed = parsed_json(self._content, "The request body")
        body: Json = check(parsed, kind, is_strict=self.is_strict)
        if "esDeveloperName" in kind:
            self.check_deployment(body["esDeveloperName"])
        return body

    def check_deployment(self, name: str | None) -> None:
        """Refuse any deployment but the published one."""
        if name != self.org.es_developer_name:
            raise VendorError(400, DEPLOYMENT_TEXT)

    def attributes(self, body: Json, *, is_form_checked: bool) -> dict[str, str]:
        """Return the routing attributes, which fill in the pre-chat form where it is asked for."""
        attributes = check_attributes(body.get("routingAttributes", {}))
        if is_form_checked:
            check_prechat(self.org.switches.prechat_fields, attributes)
        return attributes


# -- Values ----------------------------------------------------------------------------------------


def check(value: object, kind: Any, name: str = "The request body", *, is_strict: bool) -> Any:
    """Return a value that is of its kind; raises VendorError for any other."""
    if isinstance(kind, Mapping):
        return _check_object(value, kind, name, is_strict=is_strict)
    texts = isinstance(kind, tuple) and isinstance(kind[0], str)
    wanted = list if isinstance(kind, list) else str if texts or kind is UUID else kind
    if not isinstance(value, wanted):
        raise VendorError(400, f"Property {name} has the wrong type.")
    if isinstance(kind, list):
        return [check(one, kind[0], name, is_strict=is_strict) for one in value]
    if texts:
        check_one_of(str(value), kind, name)
    elif kind is UUID and not UUID.fullmatch(str(value)):
        text = UUID_TEXT if name == "conversationId" else f"Specify {name} in UUID format."
        raise VendorError(400, text)
    return value


def _check_object(value: object, kinds: Json, name: str, *, is_strict: bool) -> Json:
    if not isinstance(value, dict):
        raise VendorError(400, f"{name} must be a JSON object.")
    known = {one.rstrip("?"): one for one in kinds}
    if unknown := is_strict and [one for one in value if one not in known]:
        raise VendorError(400, f"Unrecognized property: {', '.join(unknown)}")
    for one, key in known.items():
        if one in value:
            check(value[one], kinds[key], one, is_strict=is_strict)
        elif key == one:
            raise VendorError(400, f"Missing property: {one}")
    return value


def check_one_of(value: str, allowed: tuple[str, ...], name: str) -> None:
    """Refuse a value that is not in the list."""
    if value not in allowed:
        raise VendorError(400, f"{name} must be one of {', '.join(allowed)}.")


def parsed_json(content: bytes | str, name: str) -> object:
    """Return what a JSON text says; half a surrogate is no text."""
    try:
        body = json.loads(content)
        json.dumps(body, ensure_ascii=False).encode()
    except ValueError as error:
        raise VendorError(400, f"{name} is not JSON.") from error
    return body


def query_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number of the query; an empty value counts as absent."""
    text = query.get(name) or str(default)
    if not text.isdigit():
        raise VendorError(400, f"{name} must be a number.")
    return int(text)


def check_org(value: str, org_id: str) -> None:
    """Refuse another org; the docs ask for 15 characters, the official sample sends 18 as well."""
    if value not in (org_id, org_id_18(org_id)):
        raise VendorError(400, "Invalid orgId.")


def org_id_18(org_id: str) -> str:
    """Return the 18-character form of a 15-character org id."""
    suffix = ""
    for group in (org_id[0:5], org_id[5:10], org_id[10:15]):
        number = sum(1 << index for index, letter in enumerate(group) if letter.isupper())
        suffix += SUFFIX_LETTERS[number]
    return org_id + suffix


def check_attributes(attributes: Json) -> dict[str, str]:
    """Return routing attributes; refuses all but a flat map of strings."""
    for name, value in attributes.items():
        if not isinstance(value, str):
            raise VendorError(400, f"routingAttributes.{name} must be a string.")
    return dict(attributes)


def check_prechat(form: list[dict[str, Any]], attributes: Mapping[str, str]) -> None:
    """Refuse attributes that miss a required field of the pre-chat form or are too long."""
    for field in form:
        value = attributes.get(field["name"], "")
        if field.get("required") and not value:
            raise VendorError(400, f"Pre-chat field {field['name']} is required.")
        if len(value) > field.get("maxLength", len(value)):
            raise VendorError(400, f"Pre-chat field {field['name']} is too long.")


# -- Messages --------------------------------------------------------------------------------------


def check_message(message: Json, *, is_strict: bool) -> Json:
    """Return an end user's message; only the three end-user types are taken."""
    kind = str(message.get("messageType"))
    check_one_of(kind, tuple(MESSAGES), "messageType")
    checked: Json = check(message, MESSAGES[kind], "message", is_strict=is_strict)
    if kind == "StaticContentMessage" and not checked["staticContent"]["text"]:
        raise VendorError(400, "staticContent.text must not be empty.")
    return checked


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


def check_answer(conversation: Conversation, message: Json, *, is_strict: bool) -> None:
    """Refuse an answer to nothing, or one that names what was not offered."""
    if message["messageType"] == "ChoicesResponseMessage":
        offer = _offer(conversation, message, "ChoicesMessage")
        _check_selected(message["choicesResponse"]["selectedOptions"], offer)
    elif message["messageType"] == "FormResponseMessage":
        form = _offer(conversation, message, "FormMessage")["form"]
        answered = _check_sections if form["formatType"] == "ListPicker" else _check_inputs
        answered(message["formResponse"], form, is_strict=is_strict)


def _offer(conversation: Conversation, message: Json, kind: str) -> Json:
    entry = conversation.entry(message.get("inReplyToMessageId") or "")
    offer: Json = entry.payload.get("abstractMessage", {}) if entry else {}
    if offer.get("messageType") != kind:
        raise VendorError(400, f"inReplyToMessageId names no {kind} of this conversation.")
    return offer


def _check_selected(selected: list[Any], offer: object, *, is_single: bool = False) -> None:
    known = dict(offered(offer))
    if not selected:
        raise VendorError(400, "selectedOptions must not be empty.")
    if is_single and len(selected) > 1:
        raise VendorError(400, "Only one option can be selected.")
    for one in selected:
        if one["optionIdentifier"] not in known:
            raise VendorError(400, f"There is no option {one['optionIdentifier']!r} in it.")


def _check_sections(response: object, form: Json, *, is_strict: bool) -> None:
    checked = check(response, FORM_SELECTIONS, "formResponse", is_strict=is_strict)
    known = {one.get("id"): one for one in form["sections"]}
    for section in checked["sections"]:
        asked = known.get(section.get("sectionId"))
        if asked is None:
            raise VendorError(400, "sectionId names no section of the form.")
        is_single = not asked.get("multipleSelection")
        _check_selected(section["selectedOptions"], asked, is_single=is_single)


def _check_inputs(response: object, form: Json, *, is_strict: bool) -> None:
    checked = check(response, INPUTS, "formResponse", is_strict=is_strict)
    asked = {one["input"]["id"]: one["input"] for one in form["sections"]}
    for value in checked["inputValues"]:
        _check_value(value, asked, is_strict=is_strict)
    given = {value["inputId"] for value in checked["inputValues"]}
    if missing := [one for one in asked if asked[one].get("required") and one not in given]:
        raise VendorError(400, f"Missing input: {', '.join(missing)}")


def _check_value(value: Json, asked: Mapping[str, Json], *, is_strict: bool) -> None:
    kind = str(value.get("inputValueType"))
    check_one_of(kind, tuple(INPUT_VALUES), "inputValueType")
    checked = check(value, INPUT_VALUES[kind], "inputValues", is_strict=is_strict)
    if checked["inputId"] not in asked:
        raise VendorError(400, f"There is no input {checked['inputId']!r} in that form.")
    one = asked[checked["inputId"]]
    if (kind == "SelectedOptionsInputValue") != (one["inputType"] in _SELECTS):
        raise VendorError(400, f"inputValueType does not suit {checked['inputId']!r}.")
    if kind == "SelectedOptionsInputValue":
        is_single = not one.get("multipleSelection")
        _check_selected(checked["selectedOptions"], one, is_single=is_single)
    else:
        _check_single(checked["value"], one)


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
