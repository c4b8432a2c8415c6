"""The simulated endpoints for what is said: messages, files, typing, receipts, history, events."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.simulators.records import file_of
from integrations.vendors.salesforce_messaging.simulator import checks, messages
from integrations.vendors.salesforce_messaging.simulator.answers import entry_list, message_answer
from integrations.vendors.salesforce_messaging.simulator.checks import Endpoints, VendorError
from integrations.vendors.salesforce_messaging.simulator.events import Stream
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, Entry
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
    TokenRefusedError,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org, OrgSwitches

ENTRY_TYPES = {"TypingStartedIndicator": True, "TypingStoppedIndicator": False}
MEGABYTE = 1024 * 1024
# The contract names the kinds only: common images, pdf, text, office.
TAKEN_TYPES = ("image/", "text/", "application/pdf", "application/msword", "application/vnd.")
CONTENT_TYPE = "application/octet-stream"


class EntryEndpoints(Endpoints):
    """Takes in what the end user's client sends and gives out what happened."""

    async def send_message(self, request: Request) -> Response:
        """Take in a message; its echo follows on the stream."""
        token, conversation = self._conversation(request)
        body = await self._body(request, checks.MESSAGE_REQUEST)
        self._check_developer_name(body["esDeveloperName"])
        is_strict = self._org.switches.strict_properties
        message = checks.check_message(body["message"], is_strict=is_strict)
        is_new = body.get("isNewMessagingSession", False)
        with self._simulator.change():
            entry = messages.receive_message(
                self._org,
                conversation,
                self._participant(token),
                message,
                is_new_session=is_new,
                attributes=self._attributes(body, is_form_checked=is_new),
            )
        return JSONResponse(message_answer(entry), status_code=202)

    async def send_file(self, request: Request) -> Response:
        """Take in a file."""
        token, conversation = self._conversation(request)
        upload = await _read_upload(request, self._org.switches)
        self._check_developer_name(upload.es_developer_name)
        with self._simulator.change():
            entry = _receive_upload(self._org, conversation, self._participant(token), upload)
        return JSONResponse(message_answer(entry), status_code=202)

    async def send_entry(self, request: Request) -> Response:
        """Take in a typing indicator; it never counts toward the message limit."""
        _token, conversation = self._conversation(request)
        body = await self._body(request, checks.ENTRY)
        checks.check_uuid(body["id"], "id")
        checks.check_one_of(body["entryType"], tuple(ENTRY_TYPES), "entryType")
        with self._simulator.change():
            messages.note_typing(conversation, is_typing=ENTRY_TYPES[body["entryType"]])
        return Response(status_code=202)

    async def acknowledge_entries(self, request: Request) -> Response:
        """Take in delivery and read receipts."""
        _token, conversation = self._conversation(request)
        body = await self._body(request, checks.ACKS)
        is_strict = self._org.switches.strict_properties
        acks = [checks.check_ack(ack, is_strict=is_strict) for ack in body["acks"]]
        with self._simulator.change():
            for ack in acks:
                messages.acknowledge(conversation, ack)
        return Response(status_code=202)

    async def list_entries(self, request: Request) -> Response:
        """List what happened in a conversation."""
        with self._simulator.lock:
            _token, conversation = self._conversation(request)
            return JSONResponse(entry_list(conversation, request.query_params))

    async def file(self, request: Request) -> Response:
        """Give an agent's file to whoever has its address, or say where it is."""
        if self._org.switches.is_file_redirected and not request.url.path.startswith(
            self._org.content_url("")
        ):
            location = self._org.content_url(request.path_params["file_id"])
            return Response(status_code=302, headers={"Location": location})
        stored = self._org.files.get(request.path_params["file_id"])
        if stored is None:
            raise VendorError(404, "There is no such file.")
        return Response(stored.content, media_type=stored.mime_type)

    async def events(self, request: Request) -> Response:
        """Open a stream of everything that happens to the token's end user."""
        token = self._token(request)
        if request.headers.get("x-org-id") != self._org.org_id:
            raise VendorError(400, checks.ORG_TEXT)
        checks.check_accept(request.headers.get("accept", "*/*"))
        stream = Stream(
            subject=token.subject,
            client_identifier=token.client_identifier,
            position=self._org.events.position_after(token.subject, self._last_event_id(request)),
            expires_at=token.expires_at,
            is_token_good=lambda: self._is_good(token),
        )
        ping = self._org.switches.ping_interval_seconds
        return self._org.events.answer(stream, ping_seconds=ping)

    def _last_event_id(self, request: Request) -> int | None:
        """Return where to go on; two published clients send nothing, so absence is allowed."""
        text = request.headers.get("last-event-id", "")
        if not text and not self._org.switches.strict_last_event_id:
            return None
        if not text.isdigit():
            raise VendorError(400, "Last-Event-Id is missing or not an event id.")
        return int(text)

    def _is_good(self, token: AccessToken) -> bool:
        try:
            self._org.tokens.recheck(token)
        except TokenRefusedError:
            return False
        return True


# -- Uploads ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """A file as it was sent."""

    message: Mapping[str, Any]
    es_developer_name: str
    file_name: str
    mime_type: str
    content: bytes


async def _read_upload(request: Request, switches: OrgSwitches) -> _Upload:
    """Return the file of a multipart request; raises VendorError for anything but two parts."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise VendorError(415, "Content-Type must be multipart/form-data.")
    async with request.form() as form:
        part = form.get("messageEntry")
        data = form.get("fileData")
        if part is None or not isinstance(data, UploadFile) or not data.filename:
            raise VendorError(400, "The parts messageEntry and fileData (a file) are needed.")
        entry = await part.read() if isinstance(part, UploadFile) else part
        content = await data.read()
    body = _parsed(entry, is_strict=switches.strict_properties)
    return _Upload(
        message=body["message"],
        es_developer_name=body["esDeveloperName"],
        file_name=data.filename,
        mime_type=mimetypes.guess_type(data.filename)[0] or CONTENT_TYPE,
        content=content,
    )


def _parsed(entry: str | bytes, *, is_strict: bool) -> Mapping[str, Any]:
    parsed = checks.parsed_json(entry, "messageEntry")
    body = checks.check_shape(parsed, checks.FILE_REQUEST, is_strict=is_strict)
    message = checks.check_shape(body["message"], checks.FILE_MESSAGE, is_strict=is_strict)
    checks.check_uuid(message["id"], "message.id")
    checks.check_uuid(message["fileId"], "message.fileId")
    return body


def _receive_upload(
    org: Org, conversation: Conversation, participant: Mapping[str, str], upload: _Upload
) -> Entry:
    """Keep an end user's file and let it stand as a message; refuses what the channel refuses."""
    if not org.switches.attachments:
        raise VendorError(400, "Attachments are not enabled on the channel.")
    largest = org.switches.max_file_size
    if len(upload.content) > largest * MEGABYTE:
        raise VendorError(413, f"The file is larger than {largest} MB.")
    if not upload.mime_type.startswith(TAKEN_TYPES):
        raise VendorError(415, "Files of this type are not allowed.")
    stored = org.files.add(
        file_of(
            name=upload.file_name,
            mime_type=upload.mime_type,
            content=upload.content,
            file_id=upload.message["fileId"],
        )
    )
    text = upload.message.get("text")
    message = messages.attachments(stored, org.file_url(stored.file_id), text)
    return messages.receive_message(
        org,
        conversation,
        participant,
        {"id": upload.message["id"], **message},
        is_new_session=False,
        attributes={},
    )
