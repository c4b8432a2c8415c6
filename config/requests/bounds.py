"""What holds for every HTTP request: a correlation id, a bounded body, 503 without a database."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from config.requests.api_answers import is_api
from integrations.entry.envelope import envelope
from integrations.telemetry.correlation import HEADER, correlation_begin

logger = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

RETRY_AFTER_SECONDS = 5
_HEADER = HEADER.lower().encode()
_FILES = re.compile(r"/api/v1/sessions/[^/]+/files")
# Pages of other origins must be able to read why; no cookie plays a part here.
_FOR_PAGES = ((b"access-control-allow-origin", b"*"),)
# What a multipart body has around its one file, at most.
_MULTIPART_BYTES = 65_536


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
        bound = _bound(scope["path"])
        body = _Body(receive, headers.get(b"content-length", b""), bound.max_bytes)
        try:
            body.check()
            await self._application(scope, body.receive, answer.send)
        except BodyTooLargeError:
            if not answer.has_begun:
                await answer.refuse(bound)


class BodyTooLargeError(Exception):
    """The request's body is larger than its address allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    max_bytes: int
    code: str
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _bound(path: str) -> _Bound:
    """Return what holds for an address: a file may be larger than anything else."""
    if not _FILES.fullmatch(path):
        limit = settings.REQUEST_MAX_BYTES
        return _Bound(
            max_bytes=limit,
            code="PAYLOAD_TOO_LARGE",
            message=f"The body may have {limit} bytes.",
            headers=_FOR_PAGES if path.startswith("/api/v1/") else (),
        )
    limit = settings.ATTACHMENT_MAX_BYTES
    return _Bound(
        max_bytes=limit + _MULTIPART_BYTES,
        code="ATTACHMENT_TOO_LARGE",
        message=f"The file may have {limit} bytes.",
        headers=_FOR_PAGES,
    )


class _Body:
    def __init__(self, receive: Receive, declared: bytes, max_bytes: int) -> None:
        self._receive, self._max_bytes = receive, max_bytes
        self._size = int(declared) if declared.isdigit() else 0
        self._read = 0

    def check(self) -> None:
        if max(self._size, self._read) > self._max_bytes:
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

    async def refuse(self, bound: _Bound) -> None:
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        headers += bound.headers
        await self.send({"type": "http.response.start", "status": 413, "headers": headers})
        body = json.dumps(envelope(bound.code, bound.message)).encode()
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
        if is_api(request.path_info):
            response = JsonResponse(envelope("DATABASE_UNAVAILABLE", text), status=503)
        else:
            response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
