"""What we say to Webex: the task that opens a conversation, its messages and its variables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from integrations.contract.connector import HandoffRequest, OutboundAttachment, OutboundMessage
from integrations.contract.errors import InvalidRoutingError, RejectedError
from integrations.kit.cutting import pieces, shortened, utf8_bytes, utf16_units
from integrations.kit.hints import context_text, hint_pairs, hint_text, identity_of, identity_pairs
from integrations.kit.json_values import as_object, as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.transcript import (
    Limits,
    summary_texts,
    transcript_is_wanted,
    transcript_texts,
)

MAX_TEXT, MAX_URL, MAX_VARIABLES = 20_000, 2000, 30
MAX_NAME_BYTES, MAX_VALUE_BYTES = 200, 1024
CONVERSATION_VARIABLE = "portalConversationId"
NO_CONTEXT = "The end user asked for a live agent."
FAREWELL = "The end user has left the conversation."
_MAX_SUMMARY = 5000
# What a tool may say that only the customer's own flow can make something of.
MAPPED_HINTS = (
    *("queue", "skills", "department", "priority", "language", "subject", "reason", "note"),
    *("user_email", "user_phone", "user_external_id", "entry_point_id"),
)


def create_body(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, object]:
    """Return the task for a handoff; raises InvalidRoutingError for variables Webex cannot take.

    The handoff is its own origin: Webex has one open conversation for each, so a repeat finds it.
    """
    name = identity_of(request).name
    origin = {"id": request.handoff_id, **({"name": name} if name else {})}
    named = hint_text(request.routing.get("destination_id"))
    address = named or credentials.get("business_address", "")
    return {
        "origin": origin,
        "destination": {"id": address, "type": "businessAddress"},
        "channelType": "customMessaging",
        "channel": credentials.get("channel_name", ""),
        "globalVariables": global_variables(request, credentials),
        "channelParams": _text_params(
            opening_id(request), opening_text(request, credentials), _now()
        ),
    }


def again(body: Mapping[str, object]) -> dict[str, object]:
    """Return a task's body for one more try: Webex takes it for another one by its message's id."""
    params = as_object(body.get("channelParams"))
    message = {**as_object(params.get("message")), "aliasId": str(uuid.uuid4())}
    return {**body, "channelParams": {**params, "message": message}}


def opening_id(request: HandoffRequest) -> str:
    """Return the id of a handoff's first message, the same for each try."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, request.handoff_id))


def opening_text(request: HandoffRequest, credentials: Mapping[str, str]) -> str:
    """Return context, summary and transcript in the one message that a new task may have."""
    limits = Limits(size=_MAX_SUMMARY, measure=utf16_units, parts=1)
    parts = [context_text(_unmapped(request, credentials)), *summary_texts(request, limits)[:1]]
    parts = [part for part in parts if part]
    if transcript_is_wanted(request) and request.transcript:
        room = MAX_TEXT - sum(utf16_units(part) + 2 for part in parts)
        limits = Limits(size=room, measure=utf16_units, parts=1)
        parts += transcript_texts(request.transcript, limits, request.transcript_url)
    return "\n\n".join(parts) or NO_CONTEXT


def _unmapped(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return the hints that no variable of the customer's takes, for the live agent to read."""
    mapped = vendor_object(credentials.get("variable_names") or "{}")
    hints = {name: hint_text(request.routing.get(name)) for name in MAPPED_HINTS}
    told = {**hints, **identity_pairs(request)}
    unread = ("entry_point_id", *mapped)
    return {
        name: shortened(text, MAX_VALUE_BYTES)
        for name, text in told.items()
        if text and name not in unread
    }


def global_variables(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what the customer's flow can read, as texts."""
    routing = {**request.routing, **identity_pairs(request)}
    saved = vendor_object(credentials.get("default_global_variables") or "{}")
    found: dict[str, object] = {**saved, CONVERSATION_VARIABLE: request.conversation_id}
    for hint, variable in vendor_object(credentials.get("variable_names") or "{}").items():
        if hint_text(routing.get(hint)):
            found[as_text(variable)] = routing[hint]
    found |= hint_pairs(routing.get("attributes"))
    found |= hint_pairs(routing.get("global_variables"))
    variables = {name: hint_text(value) for name, value in found.items()}
    _refuse_oversize(variables)
    return variables


def message_bodies(message: OutboundMessage) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield id and body of each message that a text takes; the first has the message's own id."""
    for number, piece in enumerate(pieces(message.text, MAX_TEXT, utf16_units)):
        part = str(uuid.uuid5(uuid.UUID(message.message_id), str(number)))
        alias = part if number else message.message_id
        yield alias, _append_body(_text_params(alias, piece, message.sent_at))


def attachment_body(attachment: OutboundAttachment) -> dict[str, object]:
    """Return the message for a file, to be fetched from our address."""
    url = attachment.public_url
    if not url or len(url) > MAX_URL:
        raise RejectedError(
            "append_message: Webex fetches files, and there is no address for this one",
            vendor_code="no_public_url",
        )
    file = {"fileName": attachment.file_name, "mimeType": attachment.mime_type, "fileUrl": url}
    sent = {"aliasId": attachment.attachment_id, "timestamp": _milliseconds(_now())}
    message = {**sent, "attachments": [file]}
    return _append_body({"type": "text-with-attachments", "message": message})


def farewell_body(task_id: str) -> dict[str, object]:
    """Return the last words into a task that we may not end."""
    alias = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{task_id}:farewell"))
    return _append_body(_text_params(alias, FAREWELL, _now()))


def naming_problem(saved: str) -> str:
    """Say what is wrong with the variables that take hints, kept as JSON; empty for nothing."""
    unknown = next((one for one in vendor_object(saved or "{}") if one not in MAPPED_HINTS), "")
    known = ", ".join(MAPPED_HINTS)
    return f"{unknown} is no hint that can be sent on. Known: {known}." if unknown else ""


def variable_problem(saved: str) -> str:
    """Say why Webex would refuse the variables of the form, kept as JSON; empty for no reason."""
    values = vendor_object(saved or "{}")
    try:
        _refuse_oversize({name: hint_text(value) for name, value in values.items()})
    except InvalidRoutingError as error:
        return error.message
    return ""


def _refuse_oversize(variables: Mapping[str, str]) -> None:
    problem = ""
    if len(variables) > MAX_VARIABLES:
        problem = f"Webex takes {MAX_VARIABLES} global variables at most"
    for name, value in variables.items():
        if utf8_bytes(name) > MAX_NAME_BYTES or utf8_bytes(value) > MAX_VALUE_BYTES:
            problem = "a global variable has a name over 200 bytes or a value over 1024"
    if problem:
        raise InvalidRoutingError(f"create_task: {problem}", field="global_variables")


def _append_body(params: dict[str, object]) -> dict[str, object]:
    return {"mediaType": "customMessaging", "channelParams": params}


def _text_params(alias: str, text: str, at: datetime) -> dict[str, object]:
    message = {"aliasId": alias, "text": text, "timestamp": _milliseconds(at)}
    return {"type": "text", "message": message}


def _now() -> datetime:
    return datetime.now(UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
