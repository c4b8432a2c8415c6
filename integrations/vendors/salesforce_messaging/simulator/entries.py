"""The simulated endpoints for what is said: messages, files, typing, receipts, history, events."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from integrations.simulators.records import file_of
from integrations.vendors.salesforce_messaging.simulator import checks, messages
from integrations.vendors.salesforce_messaging.simulator.checks import Call, Json, VendorError
from integrations.vendors.salesforce_messaging.simulator.state import Entry
from integrations.vendors.salesforce_messaging.simulator.world import Stream

MEGABYTE = 1024 * 1024
# The contract names the kinds only: common images, pdf, text, office.
TAKEN_TYPES = ("image/", "text/", "application/pdf", "application/msword", "application/vnd.")
CONTENT_TYPE = "application/octet-stream"
DEFAULT_LIMIT = 20
LARGEST_LIMIT = 50


def send_message(call: Call) -> Response:
    """Take in a message; its echo follows on the stream."""
    conversation, body = call.conversation(), call.body(checks.MESSAGE_REQUEST)
    is_new = body.get("isNewMessagingSession", False)
    entry = messages.receive_message(
        call.org,
        conversation,
        call.participant(),
        checks.check_message(body["message"], is_strict=call.is_strict),
        is_new_session=is_new,
        attributes=call.attributes(body, is_form_checked=is_new),
    )
    return _accepted(entry)


def _accepted(entry: Entry) -> Response:
    accepted = {"id": entry.identifier, "clientTimestamp": entry.client_timestamp}
    return JSONResponse({"conversationEntries": [accepted]}, status_code=202)


def send_file(call: Call) -> Response:
    """Keep an end user's file and let it stand as a message; refuses what the channel refuses."""
    org, conversation = call.org, call.conversation()
    body, data = _upload(call)
    content, name = data.file.read(), data.filename or ""
    mime_type = mimetypes.guess_type(name)[0] or CONTENT_TYPE
    if not org.switches.attachments:
        raise VendorError(400, "Attachments are not enabled on the channel.")
    if len(content) > org.switches.max_file_size * MEGABYTE:
        raise VendorError(413, f"The file is larger than {org.switches.max_file_size} MB.")
    if not mime_type.startswith(TAKEN_TYPES):
        raise VendorError(415, "Files of this type are not allowed.")
    sent = body["message"]
    stored = org.files.add(
        file_of(name=name, mime_type=mime_type, content=content, file_id=sent["fileId"])
    )
    message = messages.attachments(stored, org.file_url(stored.file_id), sent.get("text"))
    entry = messages.receive_message(
        org,
        conversation,
        call.participant(),
        {"id": sent["id"], **message},
        is_new_session=False,
        attributes={},
    )
    return _accepted(entry)


def _upload(call: Call) -> tuple[Json, UploadFile]:
    """Return both parts of a multipart request; raises VendorError for anything else."""
    if not call.headers.get("content-type", "").startswith("multipart/form-data"):
        raise VendorError(415, "Content-Type must be multipart/form-data.")
    part, data = call.form.get("messageEntry"), call.form.get("fileData")
    if part is None or not isinstance(data, UploadFile) or not data.filename:
        raise VendorError(400, "The parts messageEntry and fileData (a file) are needed.")
    entry = part.file.read() if isinstance(part, UploadFile) else part
    parsed = checks.parsed_json(entry, "messageEntry")
    body = checks.check(parsed, checks.FILE_REQUEST, "messageEntry", is_strict=call.is_strict)
    call.check_deployment(body["esDeveloperName"])
    return body, data


def send_entry(call: Call) -> Response:
    """Take in a typing indicator; it never counts toward the message limit."""
    conversation, body = call.conversation(), call.body(checks.ENTRY)
    messages.note_typing(conversation, is_typing=body["entryType"] == "TypingStartedIndicator")
    return Response(status_code=202)


def acknowledge_entries(call: Call) -> Response:
    """Take in delivery and read receipts."""
    conversation = call.conversation()
    for ack in call.body(checks.ACKS)["acks"]:
        messages.acknowledge(conversation, ack)
    return Response(status_code=202)


def list_entries(call: Call) -> Response:
    """List what happened in a conversation, newest first unless asked from the start."""
    conversation, query = call.conversation(), call.query
    direction = query.get("direction") or "FromEnd"
    checks.check_one_of(direction, ("FromStart", "FromEnd"), "direction")
    wanted = [name.strip() for name in query.get("entryTypeFilter", "").split(",") if name.strip()]
    found = [
        entry
        for entry in conversation.entries
        if (not wanted or entry.entry_type in wanted)
        and is_between(entry.transcripted_timestamp, query)
    ]
    if direction == "FromEnd":
        found.reverse()
    shown = [_listed(entry) for entry in found[: page_size(query)]]
    return JSONResponse({"conversationEntries": shown})


def _listed(entry: Entry) -> dict[str, Any]:
    """Return an entry of the history: its payload is an object here, not a JSON string."""
    return {
        "entryType": entry.entry_type,
        "identifier": entry.identifier,
        "senderDisplayName": entry.sender_name,
        "sender": entry.sender,
        "clientTimestamp": entry.client_timestamp,
        "transcriptedTimestamp": entry.transcripted_timestamp,
        "entryPayload": entry.payload,
    }


def page_size(query: Mapping[str, str]) -> int:
    """Return how many are asked for."""
    limit = checks.query_number(query, "limit", DEFAULT_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise VendorError(400, f"limit must be between 1 and {LARGEST_LIMIT}.")
    return limit


def is_between(timestamp: int, query: Mapping[str, str]) -> bool:
    """Tell whether a time is in the span that is asked for."""
    start = checks.query_number(query, "startTimestamp", 0)
    end = checks.query_number(query, "endTimestamp", 0)
    return timestamp >= start and (not end or timestamp <= end)


def file(call: Call) -> Response:
    """Give an agent's file to whoever has its address, or say where it is."""
    org, file_id = call.org, call.names["file_id"]
    if org.switches.is_file_redirected and not call.path.startswith(org.content_url("")):
        return Response(status_code=302, headers={"Location": org.content_url(file_id)})
    stored = org.files.get(file_id)
    if stored is None:
        raise VendorError(404, "There is no such file.")
    return Response(stored.content, media_type=stored.mime_type)


def events(call: Call) -> Response:
    """Open a stream of everything that happens to the token's end user."""
    org, token = call.org, call.token()
    if call.headers.get("x-org-id") != org.org_id:
        raise VendorError(400, checks.ORG_TEXT)
    accepted = call.headers.get("accept", "*/*")
    if "text/event-stream" not in accepted and "*/*" not in accepted:
        raise VendorError(406, "Accept must allow text/event-stream.")
    position = org.events.position_after(token.subject, _last_event_id(call))
    stream = Stream(token=token, position=position)
    return org.events.answer(stream, ping_seconds=org.switches.ping_interval_seconds)


def _last_event_id(call: Call) -> int | None:
    """Return where to go on; two published clients send nothing, so absence is allowed."""
    text = call.headers.get("last-event-id", "")
    if not text and not call.org.switches.strict_last_event_id:
        return None
    if not text.isdigit():
        raise VendorError(400, "Last-Event-Id is missing or not an event id.")
    return int(text)
