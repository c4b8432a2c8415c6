"""Thin widgets for measuring: send a numbered text, note when its echo comes."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

TIMEOUT = 30.0
PACE = 0.02
WARM_UP = 20


@dataclass
class Trip:
    """One round trip in milliseconds: to the vendor, from the vendor, both."""

    out: float
    back: float

    @property
    def both(self) -> float:
        """The whole way."""
        return self.out + self.back


@dataclass
class Widget:
    """One socket; `trip` waits for the echo of what it sent."""

    socket: aiohttp.ClientWebSocketResponse
    is_floor: bool
    number: int = 0
    reader: asyncio.Task[None] | None = None
    _waiting: dict[str, asyncio.Future[Trip]] = field(default_factory=dict)

    async def trip(self) -> Trip:
        """Send one message and return when its echo is there."""
        self.number += 1
        number = str(self.number)
        future: asyncio.Future[Trip] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        await self._send(f"{number}|{time.monotonic()}")
        return await asyncio.wait_for(future, TIMEOUT)

    def listening(self) -> Widget:
        """Read from now on: whoever does not read is cut off."""
        self.reader = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        async for message in self.socket:
            now = time.monotonic()
            text = self._echo(json.loads(message.data))
            if text is None:
                continue
            number, sent, arrived = text.split("|")
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                out, back = float(arrived) - float(sent), now - float(arrived)
                future.set_result(Trip(out * 1000, back * 1000))

    async def until(self, kind: str) -> None:
        """Read frames until one of a kind has come (before `read` runs)."""
        async with asyncio.timeout(TIMEOUT):
            async for message in self.socket:
                if kind in _kinds(json.loads(message.data)):
                    return

    async def frame(self, kind: str, payload: dict[str, Any]) -> None:
        """Send a frame of Baton's."""
        custom = {"client_event_id": str(uuid.uuid4())}
        frame = {"type": f"EVENT_TYPE_{kind}", "payload": payload, "metadata": {"custom": custom}}
        await self.socket.send_str(json.dumps(frame))

    async def _send(self, text: str) -> None:
        if self.is_floor:
            await self.socket.send_str(json.dumps({"text": text}))
        else:
            await self.frame("USER_MESSAGE", {"text": text})

    def _echo(self, frame: dict[str, Any]) -> str | None:
        if self.is_floor:
            return frame.get("text")
        if frame["type"] == "EVENT_TYPE_LIVE_AGENT_MESSAGE":
            return str(frame["payload"]["text"])
        return None


def _kinds(frame: dict[str, Any]) -> list[str]:
    inner = frame["payload"].get("events", []) if "payload" in frame else []
    return [str(one["type"]).removeprefix("EVENT_TYPE_") for one in (frame, *inner)]


async def paced_trips(widget: Widget, number: int) -> list[float]:
    """Make round trips one after the other, unhurried; the first ones warm up and do not count."""
    found = []
    for _ in range(number):
        found.append((await widget.trip()).both)
        await asyncio.sleep(PACE)
    return found[WARM_UP:]


@asynccontextmanager
async def widgets(connected: list[Widget]) -> AsyncIterator[list[Widget]]:
    """Close widgets after the block."""
    try:
        yield connected
    finally:
        for widget in connected:
            if widget.reader is not None:
                widget.reader.cancel()
        await asyncio.gather(*(widget.socket.close() for widget in connected))


async def connect_floor(http: aiohttp.ClientSession, url: str) -> Widget:
    """Open a conversation at the floor."""
    socket = await http.ws_connect(url.replace("http", "ws", 1))
    await socket.receive()
    return Widget(socket, is_floor=True).listening()


async def connect_baton(http: aiohttp.ClientSession, demo: dict[str, Any]) -> Widget:
    """Open a conversation and reach the echoing live agent."""
    widget = await connect_idle(http, demo)
    await widget.frame("REQUEST_POLY_AGENT_JOIN", {})
    await widget.until("POLY_AGENT_MESSAGE")
    await widget.frame("USER_MESSAGE", {"text": "I want to talk to a human"})
    await widget.until("LIVE_AGENT_JOINED")
    return widget.listening()


async def _body(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return an answer's body; raises with what it says if it is a refusal."""
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{answer.url.path}: {answer.status} {await answer.text()}")
    body: dict[str, Any] = await answer.json()
    return body


async def connect_idle(http: aiohttp.ClientSession, demo: dict[str, Any]) -> Widget:
    """Open a session and its socket."""
    base, channel = demo["base_url"], demo["webchat"]
    headers = {"X-Token": channel["public_key"], "X-Host": channel["host"]}
    async with http.post(f"{base}/api/v1/access-token", json={}, headers=headers) as answer:
        token = (await _body(answer))["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post(f"{base}/api/v1/sessions", json={}, headers=headers) as answer:
        session_id = (await _body(answer))["session_id"]
    socket = await http.ws_connect(
        f"{base.replace('http', 'ws', 1)}/ws",
        params={"session_id": session_id},
        protocols=("baton.v1", f"bearer.{token}"),
    )
    return Widget(socket, is_floor=False)
