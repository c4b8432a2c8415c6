"""A socket's frames as an HTTP answer, for networks that let no WebSocket through.

A consumer serves it as it serves a socket: the same handshake, journal, cursor and limits. What the
client says comes by POST (conversations/api/events.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode

from conversations.journal.frames import PREFIX, EventType
from conversations.socket.handshake import CAUGHT_UP, IS_POLL
from conversations.socket.shutdown import shutdown
from integrations.telemetry.correlation import HEADER, correlation_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

_PATH = re.compile(r"/api/v1/sessions/([^/]+)/events")
_STREAM = "text/event-stream"
# Proxies give an answer up after 30 s, or 60: a stream says something often and ends in time, and
# its client opens the next one. That is its sign of life, as a heartbeat is on a socket.
BEAT_SECONDS = 8.0
STREAM_SECONDS = 55.0
POLL_SECONDS_MAX = 25.0
# What belongs together comes in one answer.
GATHER_SECONDS = 0.05
# Some proxies pass nothing on before they have so much.
PADDING = b":" + b" " * 4096 + b"\n\n"
_BEAT = b":\n\n"
_BATCH, _QUEUE = PREFIX + EventType.EVENT_BATCH, PREFIX + EventType.HANDOFF_QUEUE_STATUS


def with_streams(sockets: Application, otherwise: Application) -> Application:
    """Return an application that answers streams and long polls, and leaves the rest alone."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _exchange(scope, send)
        if exchange is None:
            await otherwise(scope, receive, send)
        else:
            await exchange.serve(sockets, receive)

    return application


def _exchange(scope: Scope, send: Send) -> _Exchange | None:
    found = _PATH.fullmatch(scope["path"])
    if found is None or scope["method"] != "GET":
        return None
    given = parse_qs(scope["query_string"].decode("latin-1"))
    query = {key: values[-1] for key, values in given.items()}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    seconds = _seconds(query.get("wait", ""))
    if _STREAM in headers.get("accept", "").lower():
        return _Stream(_as_socket(scope, found[1], query, headers), send, STREAM_SECONDS)
    if seconds > 0:
        asked = _as_socket(scope, found[1], query, headers)
        asked["state"][IS_POLL] = True
        return _Poll(asked, send, seconds)
    return None


def _seconds(given: str) -> float:
    is_number = re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", given) is not None
    return min(float(given), POLL_SECONDS_MAX) if is_number else 0.0


def _as_socket(
    scope: Scope, session_id: str, query: dict[str, str], headers: dict[str, str]
) -> Scope:
    """Return the handshake that asks for the same as a request does."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    asked = {"session_id": session_id}
    if cursor := query.get("cursor", headers.get("last-event-id", "")):
        asked["cursor"] = cursor
    kept = [(name, value) for name, value in scope["headers"] if name in (b"origin", b"user-agent")]
    return {
        **scope,
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": urlencode(asked).encode(),
        "headers": [*kept, (HEADER.lower().encode(), correlation_id.get().encode())],
        "subprotocols": [f"bearer.{token.strip()}"] if scheme.lower() == "bearer" else [],
        "extensions": {"websocket.http.response": {}},
        "state": {CAUGHT_UP: asyncio.Event()},
    }


class _Exchange:
    """One answer: a socket on its inner side, HTTP on its outer side."""

    def __init__(self, scope: Scope, send: Send, seconds: float) -> None:
        self._scope, self._send, self._seconds = scope, send, seconds
        self._over = asyncio.Event()
        self._is_connected = self._has_begun = self._has_ended = False
        self._status: int = HTTPStatus.OK

    async def serve(self, sockets: Application, receive: Receive) -> None:
        """Answer until the time is over, the client is gone, or the socket is closed."""
        tasks = [asyncio.create_task(one) for one in (self._watch(receive), self._wait())]
        shutdown.add(self._over)
        try:
            await sockets(self._scope, self._inner_receive, self._inner_send)
            await self._end()
        finally:
            shutdown.remove(self._over)
            for task in tasks:
                task.cancel()

    # ---- the socket's side ----

    async def _inner_receive(self) -> Message:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        await self._over.wait()
        await self._end()
        return {"type": "websocket.disconnect", "code": 1000}

    async def _inner_send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                await self._accepted()
            case "websocket.send":
                await self._frame(message["text"])
            case "websocket.close":
                self._over.set()
            case "websocket.http.response.start":
                self._status = message["status"]
                named = [one for one in message["headers"] if one[0] == b"retry-after"]
                await self._start(b"application/json", *named)
            case "websocket.http.response.body":
                await self._body(message["body"], is_last=True)

    # ---- the client's side ----

    async def _watch(self, receive: Receive) -> None:
        """Notice that the client is gone."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._over.set()

    async def _wait(self) -> None:
        """Say when the answer is to end."""
        raise NotImplementedError

    async def _accepted(self) -> None:
        """Begin the answer, if it begins before there is something to tell."""

    async def _frame(self, text: str) -> None:
        raise NotImplementedError

    async def _end(self) -> None:
        raise NotImplementedError

    async def _start(self, kind: bytes, *more: tuple[bytes, bytes]) -> None:
        self._has_begun = True
        headers = [(b"content-type", kind), (b"cache-control", b"no-store, no-transform")]
        headers += [(b"x-accel-buffering", b"no"), (b"access-control-allow-origin", b"*"), *more]
        start = {"type": "http.response.start", "status": self._status, "headers": headers}
        await self._send(start)

    async def _body(self, content: bytes, *, is_last: bool) -> None:
        if not self._has_ended:
            self._has_ended = is_last
            message = {"type": "http.response.body", "body": content, "more_body": not is_last}
            await self._send(message)


class _Stream(_Exchange):
    """Server-sent events: a frame each, numbered as the journal is."""

    async def _accepted(self) -> None:
        await self._start(_STREAM.encode())
        await self._body(PADDING, is_last=False)

    async def _frame(self, text: str) -> None:
        sequence = json.loads(text)["sequence"]
        number = f"id: {sequence}\n" if sequence else ""
        await self._body(f"{number}data: {text}\n\n".encode(), is_last=False)

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, BEAT_SECONDS))
            if self._has_begun:
                await self._body(_BEAT, is_last=False)
        self._over.set()

    async def _end(self) -> None:
        if self._has_begun:
            await self._body(b"", is_last=True)


class _Poll(_Exchange):
    """One JSON answer, as soon as there is something to tell."""

    def __init__(self, scope: Scope, send: Send, seconds: float) -> None:
        super().__init__(scope, send, seconds)
        self._frames: list[str] = []
        self._news = asyncio.Event()
        self._caught_up: asyncio.Event = scope["state"][CAUGHT_UP]

    async def _frame(self, text: str) -> None:
        self._frames.append(text)
        if self._is_news(json.loads(text)):
            self._news.set()

    def _is_news(self, frame: dict[str, Any]) -> bool:
        """Say whether to answer at once; the place in the queue is told at each beginning."""
        if frame["type"] == _BATCH:
            return bool(frame["payload"]["events"])
        return frame["type"] != _QUEUE or self._caught_up.is_set()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._caught_up.wait()
                await self._news.wait()
                await asyncio.sleep(GATHER_SECONDS)
        self._over.set()

    async def _end(self) -> None:
        if not self._has_begun:
            await self._start(b"application/json")
            await self._body(f'{{"events":[{",".join(self._frames)}]}}'.encode(), is_last=True)
