"""How the simulated messaging API reads a request: which it refuses, and with which words.

Imitates developer.salesforce.com/docs/service/messaging-api/references/miaw-api-reference. Where
the contract is unsure this is the strict reading; `strict_properties` relaxes unknown properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator.state import Conversation
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
    TokenRefusedError,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org

UUID_PATTERN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
UUID_TEXT = (
    "Invalid conversationId. Specify the conversationId in UUID format. "
    "The UUID must be in lowercase."
)
DEPLOYMENT_TEXT = (
    "Invalid esDeveloperName. Set esDeveloperName to the name of a deployment whose type is api."
)
ORG_TEXT = "OrgId in the header and token must match"
# Body -> property -> (type, is required). A tuple stands for "one of these types".
Shape = Mapping[str, tuple[type | tuple[type, ...], bool]]
NONE = type(None)
TOKEN: Shape = {
    "orgId": (str, True),
    "esDeveloperName": (str, True),
    "capabilitiesVersion": (str, True),
    "platform": (str, True),
    "deviceId": ((str, NONE), False),
    "context": (dict, False),
}
IDENTITY_TOKEN: Shape = {
    **TOKEN,
    "authorizationType": (str, True),
    "customerIdentityToken": (str, True),
}
CONVERSATION: Shape = {
    "conversationId": (str, True),
    "esDeveloperName": (str, True),
    "routingAttributes": (dict, False),
    "language": (str, False),
}
MESSAGE_REQUEST: Shape = {
    "message": (dict, True),
    "esDeveloperName": (str, True),
    "isNewMessagingSession": (bool, False),
    "routingAttributes": (dict, False),
    "language": (str, False),
}
_MESSAGE: Shape = {
    "id": (str, True),
    "messageType": (str, True),
    "inReplyToMessageId": ((str, NONE), False),
}
MESSAGES: Mapping[str, Shape] = {
    "StaticContentMessage": {**_MESSAGE, "staticContent": (dict, True)},
    "ChoicesResponseMessage": {
        **_MESSAGE,
        "inReplyToMessageId": (str, True),
        "choicesResponse": (dict, True),
    },
    "FormResponseMessage": {**_MESSAGE, "formResponse": (dict, True)},
}
STATIC_TEXT: Shape = {"formatType": (str, True), "text": (str, True)}
FILE_REQUEST: Shape = {"message": (dict, True), "esDeveloperName": (str, True)}
FILE_MESSAGE: Shape = {
    "id": (str, True),
    "fileId": (str, True),
    "text": ((str, NONE), False),
    "inReplyToMessageId": ((str, NONE), False),
}
ENTRY: Shape = {"entryType": (str, True), "id": (str, True)}
ACKS: Shape = {"acks": (list, True)}
ACK: Shape = {"id": (str, True), "entryType": (str, True), "conversationEntryId": (str, True)}


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


def check_shape(body: object, shape: Shape, *, is_strict: bool = True) -> Mapping[str, Any]:
    """Return the body as an object; raises VendorError when properties are wrong."""
    if not isinstance(body, dict):
        raise VendorError(400, "The request body must be a JSON object.")
    if unknown := is_strict and [name for name in body if name not in shape]:
        raise VendorError(400, f"Unrecognized property: {', '.join(unknown)}")
    for name, (kinds, is_required) in shape.items():
        if name not in body:
            if is_required:
                raise VendorError(400, f"Missing property: {name}")
        elif not isinstance(body[name], kinds):
            raise VendorError(400, f"Property {name} has the wrong type.")
    return body


def parsed_json(content: bytes | str, name: str) -> object:
    """Return what a JSON text says; half a surrogate is no text."""
    try:
        body = json.loads(content)
        json.dumps(body, ensure_ascii=False).encode()
    except ValueError as error:
        raise VendorError(400, f"{name} is not JSON.") from error
    return body


def check_uuid(value: str, name: str) -> None:
    """Refuse an id that is not a lowercase UUID."""
    if UUID_PATTERN.fullmatch(value) is None:
        text = UUID_TEXT if name == "conversationId" else f"Specify {name} in UUID format."
        raise VendorError(400, text)


def check_one_of(value: str, allowed: tuple[str, ...], name: str) -> None:
    """Refuse a value that is not in the list."""
    if value not in allowed:
        raise VendorError(400, f"{name} must be one of {', '.join(allowed)}.")


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


def check_attributes(attributes: Mapping[str, Any]) -> Mapping[str, str]:
    """Return routing attributes; refuses all but a flat map of strings."""
    for name, value in attributes.items():
        if not isinstance(value, str):
            raise VendorError(400, f"routingAttributes.{name} must be a string.")
    return attributes


def check_prechat(form: list[dict[str, Any]], attributes: Mapping[str, str]) -> None:
    """Refuse attributes that miss a required field of the pre-chat form or are too long."""
    for field in form:
        value = attributes.get(field["name"], "")
        if field.get("required") and not value:
            raise VendorError(400, f"Pre-chat field {field['name']} is required.")
        if len(value) > field.get("maxLength", len(value)):
            raise VendorError(400, f"Pre-chat field {field['name']} is too long.")


def check_message(message: object, *, is_strict: bool) -> Mapping[str, Any]:
    """Return an end user's message; only the three end-user types are taken."""
    kind = message.get("messageType") if isinstance(message, dict) else None
    check_one_of(str(kind), tuple(MESSAGES), "messageType")
    checked = check_shape(message, MESSAGES[str(kind)], is_strict=is_strict)
    check_uuid(checked["id"], "message.id")
    if kind == "StaticContentMessage":
        content = check_shape(checked["staticContent"], STATIC_TEXT, is_strict=is_strict)
        check_one_of(content["formatType"], ("Text",), "formatType")
        if not content["text"]:
            raise VendorError(400, "staticContent.text must not be empty.")
    return checked


def check_ack(ack: object, *, is_strict: bool) -> Mapping[str, Any]:
    """Return one receipt."""
    checked = check_shape(ack, ACK, is_strict=is_strict)
    check_uuid(checked["id"], "id")
    check_one_of(checked["entryType"], ("Delivery", "Read"), "entryType")
    return checked


def check_accept(accepted: str) -> None:
    """Refuse a client that does not take an event stream."""
    if "text/event-stream" not in accepted and "*/*" not in accepted:
        raise VendorError(406, "Accept must allow text/event-stream.")


def query_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number of the query; an empty value counts as absent."""
    text = query.get(name) or str(default)
    if not text.isdigit():
        raise VendorError(400, f"{name} must be a number.")
    return int(text)


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, org: Org) -> None:
        self._simulator = simulator
        self._org = org

    def _token(self, request: Request) -> AccessToken:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise VendorError(401, "Jwt is missing")
        try:
            return self._org.tokens.check(bearer.strip())
        except TokenRefusedError as error:
            raise VendorError(401, str(error)) from error

    def _conversation(self, request: Request) -> tuple[AccessToken, Conversation]:
        token = self._token(request)
        conversation = self._org.conversations.get(request.path_params["conversation_id"])
        if conversation is None or conversation.subject != token.subject:
            raise VendorError(404, "The conversation was not found.")
        return token, conversation

    async def _body(self, request: Request, shape: Shape) -> Mapping[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json.")
        content = await request.body()
        if len(content) > self._org.switches.max_body_bytes:
            raise VendorError(413, "The request is larger than the allowed size.")
        body = parsed_json(content, "The request body")
        return check_shape(body, shape, is_strict=self._org.switches.strict_properties)

    def _check_developer_name(self, name: str | None) -> None:
        if name != self._org.es_developer_name:
            raise VendorError(400, DEPLOYMENT_TEXT)

    def _attributes(self, body: Mapping[str, Any], *, is_form_checked: bool) -> dict[str, str]:
        attributes = check_attributes(body.get("routingAttributes", {}))
        if is_form_checked:
            check_prechat(self._org.switches.prechat_fields, attributes)
        return dict(attributes)

    def _participant(self, token: AccessToken) -> dict[str, str]:
        return self._org.end_users[token.subject].participant(token.client_identifier)
