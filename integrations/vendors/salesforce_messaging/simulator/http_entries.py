"""The simulated endpoints for what is said: messages, files, typing, receipts, history, events."""

from __future__ import annotations

import base64

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.vendors.salesforce_messaging.simulator import checks, messages, uploads
from integrations.vendors.salesforce_messaging.simulator.answers import entry_list, message_answer
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.events import EventStreamResponse, Stream
from integrations.vendors.salesforce_messaging.simulator.requests import Endpoints
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
    TokenRefusedError,
)

ENTRY_TYPES = {"TypingStartedIndicator": True, "TypingStoppedIndicator": False}


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
        upload = await uploads.read(request, self._org.switches)
        self._check_developer_name(upload.es_developer_name)
        with self._simulator.change():
            entry = uploads.receive(
                self._org,
                conversation,
                self._participant(token),
                upload,
                base_url=self._simulator.base_url,
            )
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
        """Give an agent's file to whoever has its address."""
        stored = self._org.files.get(request.path_params["file_id"])
        if stored is None:
            raise VendorError(404, "There is no such file.")
        return Response(base64.b64decode(stored.content_base64), media_type=stored.mime_type)

    async def events(self, request: Request) -> Response:
        """Open a stream of everything that happens to the token's end user."""
        token = self._token(request)
        if request.headers.get("x-org-id") != self._org.org_id:
            raise VendorError(400, checks.ORG_TEXT)
        checks.check_accept(request.headers.get("accept", "*/*"))
        stream = Stream(
            subject=token.subject,
            token_id=token.token_id,
            client_identifier=token.client_identifier,
            position=self._org.events.position_after(token.subject, self._last_event_id(request)),
            expires_at=token.expires_at,
            is_token_good=lambda: self._is_good(token),
        )
        ping = self._org.switches.ping_interval_seconds
        return EventStreamResponse(self._org.events, stream, ping_seconds=ping)

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
