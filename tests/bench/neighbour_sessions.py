"""Conversations with the AI agent, for the quiet tenant and its neighbours."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.bench.clients import connect_idle
from tests.bench.sockets import SYSTEM_LINE, IdleWidget

# Where the widgets of tests/factories.py may be.
HOST = "shop.example"
QUESTION = "When are you open?"
PATIENCE_SECONDS = 20.0
ANSWER = "EVENT_TYPE_POLY_AGENT_MESSAGE"


class QuietError(RuntimeError):
    """No answer came: the socket was closed, the message refused, or it took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the tenants live, and how to come in."""

    base_url: str
    http: aiohttp.ClientSession
    keys: dict[str, str]

    @asynccontextmanager
    async def session(self, tenant: str) -> AsyncIterator[IdleWidget]:
        """Open a conversation with a tenant's AI agent, and end it after the block."""
        widget = await self.open(tenant)
        try:
            yield widget
        finally:
            await end(widget)

    async def open(self, tenant: str) -> IdleWidget:
        """Open a conversation and hear the greeting."""
        webchat = {"public_key": self.keys[tenant], "host": HOST}
        widget = await connect_idle(self.http, {"base_url": self.base_url, "webchat": webchat})
        await widget.frame("REQUEST_POLY_AGENT_JOIN", {})
        await widget.until("POLY_AGENT_MESSAGE")
        return IdleWidget(widget.socket)


async def end(widget: IdleWidget) -> None:
    """End a conversation, so that nobody is owed an answer, and close its socket."""
    if not widget.socket.closed:
        ended = {"type": "EVENT_TYPE_USER_END_SESSION", "payload": {}}
        await widget.socket.send_str(json.dumps(ended))
    await widget.close()


async def say(widget: IdleWidget, text: str) -> None:
    """Write a message."""
    frame = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": text}}
    await widget.socket.send_str(json.dumps(frame))


async def ask(widget: IdleWidget) -> float:
    """Return how long an answer took, in milliseconds; raises QuietError where none came."""
    answer, refusal = widget.hears(ANSWER), widget.hears(SYSTEM_LINE)
    started = time.monotonic()
    try:
        await say(widget, QUESTION)
        await asyncio.wait(
            {answer, refusal},
            timeout=PATIENCE_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not answer.done():
            raise QuietError(refusal.result()[1] if refusal.done() else "no answer")
        return (answer.result()[0] - started) * 1000
    except (ConnectionError, aiohttp.ClientError) as error:
        raise QuietError(str(error)) from error
    finally:
        refusal.cancel()
        answer.cancel()
