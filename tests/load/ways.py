"""The ways into a session: a WebSocket, or HTTP alone where a network lets none through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import aiohttp

SOCKET, STREAM, POLL = "socket", "stream", "poll"
POLL_SECONDS = 20
Frame = dict[str, Any]


class Way(Protocol):
    """What a widget has of its connection; frames come until it is cut or over."""

    is_open: bool

    async def send(self, frame: Frame) -> None:
        """Say something."""

    def cut(self) -> None:
        """Lose the connection without a word."""

    def frames(self) -> AsyncIterator[Frame]:
        """Bring what the portal sends."""


class SocketWay:
    """A WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def is_open(self) -> bool:
        return not self._socket.closed

    async def send(self, frame: Frame) -> None:
        await self._socket.send_json(frame)

    def cut(self) -> None:
        connection = self._socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()

    async def frames(self) -> AsyncIterator[Frame]:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                yield message.json()


class HttpWay:
    """A stream or long polls, and a POST at a time for what is said."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str, cursor: Any, *, polls: bool
    ) -> None:
        self._http, self._url, self._cursor, self._polls = http, url, cursor, polls
        self._headers = {"Authorization": f"Bearer {token}"}
        self._one_at_a_time = asyncio.Lock()
        self._reading: aiohttp.ClientResponse | None = None
        self.is_open = True

    async def send(self, frame: Frame) -> None:
        """Say something; what was not taken is said again over the next connection."""
        async with self._one_at_a_time:
            if not self.is_open:
                return
            try:
                await self._post(frame)
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.cut()

    async def _post(self, frame: Frame) -> None:
        body = {"frames": [frame]}
        async with self._http.post(self._url, json=body, headers=self._headers) as answer:
            answer.raise_for_status()
            refused = (await answer.json())["events"]
        if any(one["payload"].get("code") == "rate_limited" for one in refused):
            raise aiohttp.ClientError

    def cut(self) -> None:
        self.is_open = False
        if self._reading is not None:
            self._reading.close()

    async def frames(self) -> AsyncIterator[Frame]:
        while self.is_open:
            found = self._polled() if self._polls else self._streamed()
            async for frame in found:
                yield frame

    async def _polled(self) -> AsyncIterator[Frame]:
        query = {"cursor": str(self._cursor()), "wait": str(POLL_SECONDS)}
        async with self._http.get(self._url, params=query, headers=self._headers) as answer:
            answer.raise_for_status()
            self._reading = answer
            for frame in (await answer.json())["events"]:
                yield frame

    async def _streamed(self) -> AsyncIterator[Frame]:
        headers = {**self._headers, "Accept": "text/event-stream"}
        query = {"cursor": str(self._cursor())}
        async with self._http.get(self._url, params=query, headers=headers) as answer:
            answer.raise_for_status()
            self._reading = answer
            while line := await answer.content.readuntil(b"\n"):
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
