"""What holds for every HTTP request: a correlation id, a bounded body, 503 without a database."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from integrations.correlation import HEADER, correlation_begin

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

RETRY_AFTER_SECONDS = 5
_HEADER = HEADER.lower().encode()


class RequestBounds:
    """An ASGI application around another: the id goes in and out, too large a body is a 413."""

    def __init__(self, application: Application) -> None:
        """Take what answers requests within the bounds."""
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a body is counted as it comes, whatever its header says."""
        headers = dict(scope["headers"])
        identity = correlation_begin(headers.get(_HEADER, b"").decode("latin-1"))
        answer = _Answer(send, identity.encode())
        body = _Body(receive, headers.get(b"content-length", b""))
        try:
            body.check()
            await self._application(scope, body.receive, answer.send)
        except BodyTooLargeError:
            if not answer.has_begun:
                await answer.refuse()


class BodyTooLargeError(Exception):
    """The request's body is larger than REQUEST_MAX_BYTES."""


class _Body:
    def __init__(self, receive: Receive, declared: bytes) -> None:
        self._receive = receive
        self._size = int(declared) if declared.isdigit() else 0
        self._read = 0

    def check(self) -> None:
        if max(self._size, self._read) > settings.REQUEST_MAX_BYTES:
            raise BodyTooLargeError

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        self.check()
        return message


class _Answer:
    def __init__(self, send: Send, identity: bytes) -> None:
        self._send, self._identity = send, identity
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            message["headers"] = [*message.get("headers", []), (_HEADER, self._identity)]
        await self._send(message)

    async def refuse(self) -> None:
        text = f"The body may have {settings.REQUEST_MAX_BYTES} bytes."
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 413, "headers": headers})
        body = json.dumps(_envelope("PAYLOAD_TOO_LARGE", text)).encode()
        await self.send({"type": "http.response.body", "body": body})


class DatabaseOutage:
    """Django middleware: a database that is away or has no connection left is a quick 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Change nothing where nothing failed."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for the view that could not reach the database."""
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        logger.warning("No database for a request: %s", type(error.__cause__ or error).__name__)
        text = "The database cannot be reached at the moment. Try again in a few seconds."
        response: HttpResponse
        if request.path.startswith("/api/"):
            response = JsonResponse(_envelope("DATABASE_UNAVAILABLE", text), status=503)
        else:
            response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _envelope(code: str, text: str) -> dict[str, Any]:
    return {
        "success": False,
        "error": text,
        "error_id": str(uuid.uuid4()),
        "error_code": code,
        "error_message": text,
        "data": None,
    }
