"""The MCP server's address: an ASGI application that asks for the key, and starts when needed.

Neither Django's application nor every server has a lifespan, which the package's wants: it is
entered by a task of our own at the first request, once for each event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from django.db import InterfaceError, OperationalError

from conversations.api.errors import RefusedError
from conversations.event_loop.executor import run_sync
from handoffs.api.mcp.key import key_admit, key_of_request
from integrations.entry.envelope import envelope
from integrations.models import ApiKey

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[..., Awaitable[None]]


MCP_PATH = "/mcp"


def with_mcp(django: Application, max_bytes: int) -> Application:
    """Return an application that answers the MCP server's address, and leaves the rest alone."""
    mcp = McpEntry(max_bytes)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found = mcp if scope["path"] == MCP_PATH else django
        await found(scope, receive, send)

    return application


class McpEntry:
    """Answers /mcp for whoever has an API key."""

    def __init__(self, max_bytes: int) -> None:
        """Load nothing yet: most portals are never asked."""
        self._max_bytes = max_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started: asyncio.Future[Application] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request in the name of its key."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        address = (scope.get("client") or [""])[0]
        try:
            if scope["method"] != "POST":
                # Without a session there is nothing to listen to, and nothing to end.
                raise RefusedError(405, "METHOD_NOT_ALLOWED", "Send a POST.")
            key = await run_sync(_admit, headers, address)
        except RefusedError as error:
            await _refuse(error, send)
            return
        application = await self._running()
        token = key_of_request.set(key)
        try:
            await application(scope, receive, send)
        finally:
            key_of_request.reset(token)

    async def _running(self) -> Application:
        """Return the package's application, started on this event loop."""
        loop = asyncio.get_running_loop()
        if self._started is None or self._loop is not loop:
            self._loop, self._started = loop, loop.create_future()
            self._task = loop.create_task(self._run(self._started))
        return await asyncio.shield(self._started)

    async def _run(self, started: asyncio.Future[Application]) -> None:
        """Keep the package's lifespan open for as long as the loop lives."""
        try:
            application = await asyncio.to_thread(_application, self._max_bytes)
            async with application.router.lifespan_context(application):
                started.set_result(application)
                await asyncio.Event().wait()
        finally:
            # The next request tries anew.
            self._started = None
            started.cancel()


def _application(max_bytes: int) -> Any:
    """Load the package, which takes a second and is needed by few."""
    from mcp.server.transport_security import TransportSecuritySettings

    from handoffs.api.mcp.server import server_make

    # Below a warning it quotes arguments that do not fit, and so what was said.
    logging.getLogger("mcp").setLevel(logging.WARNING)
    return server_make().streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=max_bytes,
        # No browser sends a key along by itself: a page of another host gains nothing here.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def _admit(headers: Mapping[str, str], address: str) -> ApiKey:
    try:
        return key_admit(headers, address)
    except (OperationalError, InterfaceError) as error:
        text = "The database cannot be reached at the moment. Try again in a few seconds."
        raise RefusedError(503, "DATABASE_UNAVAILABLE", text, wait=5) from error


async def _refuse(error: RefusedError, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Baton", error="invalid_token"'))
    if error.status == 405:
        headers.append((b"allow", b"POST"))
    if error.wait:
        headers.append((b"retry-after", str(error.wait).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    body = json.dumps(envelope(error.code, str(error))).encode()
    await send({"type": "http.response.body", "body": body})
