"""What the portal does with vendors' webhooks, in little: verify, keep, feed to the connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from integrations.contract.connector import Connector, WebhookItem, WebhookRequest
from integrations.contract.errors import WebhookVerificationError


class WebhookPortal:
    """Takes calls over HTTP and keeps their items; `down` makes it answer with that status."""

    def __init__(self, connector: type[Connector], credentials: Mapping[str, str]) -> None:
        self.url = ""
        self.items: list[WebhookItem] = []
        self.answers: list[int] = []
        self.refused: list[bytes] = []
        self.down: int | None = None
        self._connector = connector
        self._credentials = credentials
        self.changed = asyncio.Event()
        self._known: set[str] = set()

    async def take(self, request: web.Request) -> web.Response:
        """Answer one call as the portal would."""
        call = await _read(request)
        answer = self._refusal(call) or self._taken(call)
        self.answers.append(answer.status)
        return answer

    def _refusal(self, call: WebhookRequest) -> web.Response | None:
        if not self.down:
            return None
        self.refused.append(call.body)
        return web.Response(status=self.down)

    def _taken(self, call: WebhookRequest) -> web.Response:
        try:
            result = self._connector.parse_webhook(call, self._credentials)
        except WebhookVerificationError:
            return web.Response(status=401)
        for item in result.items:
            if item.item_id not in self._known:
                self._known.add(item.item_id)
                self.items.append(item)
        self.changed.set()
        return web.Response(
            status=result.status, text=result.body, content_type=result.content_type
        )


async def _read(request: web.Request) -> WebhookRequest:
    return WebhookRequest(
        endpoint=request.match_info["endpoint"],
        method=request.method,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.query),
        body=await request.read(),
        path=request.match_info.get("appended", "").strip("/"),
    )


@asynccontextmanager
async def running_portal(
    connector: type[Connector], credentials: Mapping[str, str]
) -> AsyncIterator[WebhookPortal]:
    """Serve a portal at `url`/events and `url`/status."""
    portal = WebhookPortal(connector, credentials)
    app = web.Application()
    app.router.add_route("*", "/handoff/webhooks/vendor/{endpoint}", portal.take)
    app.router.add_route("*", "/handoff/webhooks/vendor/{endpoint}/{appended:.+}", portal.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    portal.url = f"http://127.0.0.1:{port}/handoff/webhooks/vendor"
    try:
        yield portal
    finally:
        await runner.cleanup()
