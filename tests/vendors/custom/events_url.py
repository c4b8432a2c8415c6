"""An Events URL that notes every attempt, and that can be away or refuse for a while."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Attempt:
    """One call, as it came."""

    timestamp: str
    signature: str
    raw: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.raw)

    def is_signed_with(self, secret: str) -> bool:
        message = self.timestamp.encode() + b"." + self.raw
        wanted = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, self.signature)


class EventsUrl:
    """Answers with `status`; until `open` nobody answers at its address at all."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/events"
        self.status = 200
        self.refused: set[str] = set()
        self.attempts: list[Attempt] = []
        app = web.Application()
        app.router.add_post("/events", self._take)
        self._server = TestServer(app, port=port)

    async def open(self) -> None:
        """Be there from now on."""
        await self._server.start_server()

    async def close(self) -> None:
        """Be there no more."""
        await self._server.close()

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Return the events that were answered with 200, in order."""
        return [one.event for one in self.attempts if one.status == 200]

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        given = [request.headers[f"X-Handoff-{name}"] for name in ("Timestamp", "Signature")]
        status = 422 if json.loads(raw)["type"] in self.refused else self.status
        self.attempts.append(Attempt(given[0], given[1], raw, status))
        return web.Response(status=status)
