"""The simulated endpoints for messages, activity and attachments."""

from __future__ import annotations

import base64

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.vendors.zendesk.simulator import checks, contents, messages
from integrations.vendors.zendesk.simulator.answers import list_answer, message_answer
from integrations.vendors.zendesk.simulator.auth import authenticate
from integrations.vendors.zendesk.simulator.checks import Form, VendorError
from integrations.vendors.zendesk.simulator.requests import Endpoints
from integrations.vendors.zendesk.simulator.state import StoredFile


class MessageEndpoints(Endpoints):
    """Takes messages and files, and lists them."""

    async def post_message(self, request: Request) -> Response:
        """Add a message; there is no idempotency, a repeated call adds another."""
        body = await self._body(request)
        with self._simulator.change():
            conversation = self._conversation(request)
            contents.check_message(body)
            had_ticket = conversation.ticket_id
            message = messages.post_message(self._world, conversation, body)
            if conversation.ticket_id != had_ticket:
                messages.greet(self._world, conversation)
            return JSONResponse({"messages": [message_answer(message)]}, status_code=201)

    async def list_messages(self, request: Request) -> Response:
        """List 100 messages, the newest page first."""
        with self._simulator.change():
            conversation = self._conversation(request)
            page, has_more = messages.message_page(conversation, request.query_params)
            shown = [message_answer(one) for one in page]
            url = str(request.url.replace(query=""))
            return JSONResponse(list_answer("messages", shown, url=url, has_more=has_more))

    async def delete_messages(self, request: Request) -> Response:
        """Remove all messages, which also unlocks a full conversation."""
        with self._simulator.change():
            self._conversation(request).messages.clear()
            return JSONResponse({})

    async def delete_message(self, request: Request) -> Response:
        """Remove one message."""
        with self._simulator.change():
            conversation = self._conversation(request)
            wanted = request.path_params["message_id"]
            found = [one for one in conversation.messages if one.message_id == wanted]
            if not found:
                raise VendorError(404, "Message not found")
            conversation.messages.remove(found[0])
            return JSONResponse({})

    async def post_activity(self, request: Request) -> Response:
        """Take typing or reading."""
        body = await self._body(request)
        with self._simulator.change():
            conversation = self._conversation(request)
            checks.check_activity(body)
            messages.post_activity(self._world, conversation, body)
            return JSONResponse({})

    async def upload_attachment(self, request: Request) -> Response:
        """Keep a file; `for=message` ties it to the conversation."""
        name, mime_type, content = await self._source(request)
        with self._simulator.change():
            conversation_id = self._upload_target(request)
            if len(content) > self._account.switches.upload_limit:
                raise VendorError(413, "The file is too large")
            stored = StoredFile(
                name=name,
                mime_type=mime_type,
                content_base64=base64.b64encode(content).decode(),
                conversation_id=conversation_id,
            )
            self._account.files[stored.file_id] = stored
            shown = {"mediaUrl": self._account.file_url(stored), "mediaType": mime_type}
            return JSONResponse({"attachment": shown}, status_code=201)

    async def _source(self, request: Request) -> tuple[str, str, bytes]:
        self._caller(request)
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise VendorError(415, "Content-Type must be multipart/form-data")
        try:
            form = await request.form()
        except HTTPException as error:
            raise VendorError(400, "The multipart body does not parse") from error
        source = form.get("source")
        if not isinstance(source, UploadFile):
            raise VendorError(400, "source is required")
        mime_type = source.content_type or "application/octet-stream"
        return source.filename or "file", mime_type, await source.read()

    def _upload_target(self, request: Request) -> str | None:
        query = request.query_params
        if query.get("access") != "public":
            raise VendorError(400, "access must be public")
        if query.get("for") is None:
            return None
        if query["for"] != "message":
            raise VendorError(400, "for must be message")
        conversation_id = query.get("conversationId")
        if not conversation_id:
            raise VendorError(400, "conversationId is required when for is message")
        if conversation_id not in self._account.conversations:
            raise VendorError(404, "Conversation not found", code="conversation_not_found")
        return conversation_id

    async def remove_attachment(self, request: Request) -> Response:
        """Remove a file by its address."""
        body = await self._body(request)
        with self._simulator.change():
            form = Form(body)
            form.text("mediaUrl", 2048, is_required=True)
            form.done()
            for stored in list(self._account.files.values()):
                if self._account.file_url(stored) == body["mediaUrl"]:
                    del self._account.files[stored.file_id]
                    return JSONResponse({})
            raise VendorError(404, "Attachment not found")

    async def media(self, request: Request) -> Response:
        """Return a file; where attachments are private, to a good key only."""
        with self._simulator.lock:
            if self._account.switches.private_attachments:
                authenticate(self._account, request.headers.get("authorization", ""))
            stored = self._account.files.get(request.path_params["file_id"])
            if stored is None:
                raise VendorError(404, "Attachment not found")
            content = base64.b64decode(stored.content_base64)
            return Response(content, media_type=stored.mime_type)
