"""An end user without a browser: the widget's protocol, its outbox, its cursor, its reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.load.ways import POLL, SOCKET, HttpWay, SocketWay, Way

PREFIX = "EVENT_TYPE_"
BACK_OFF_SECONDS = 1.0
REFUSED = "event_not_allowed"


@dataclass
class Received:
    """A live agent's message as it came; `at` is time.monotonic()."""

    text: str
    at: float


@dataclass
class WidgetClient:
    """Keeps what it sent until the echo came, and every live agent message in journal order."""

    http: aiohttp.ClientSession
    url: str
    key: str
    host: str
    end_user: dict[str, str] | None = None
    received: list[Received] = field(default_factory=list)
    not_delivered: list[str] = field(default_factory=list)
    echoes: dict[str, float] = field(default_factory=dict)
    types: list[str] = field(default_factory=list)
    # Whatever came behind SESSION_END, but for the answer to a frame that was sent too late.
    after_end: list[str] = field(default_factory=list)
    # The live agents' messages that offer something to take, and what was taken in vain.
    offers: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    sequence: int = 0
    is_reading: bool = True

    def __post_init__(self) -> None:
        # What was sent and not heard of again, as the payload of its frame.
        self._outbox: dict[str, dict[str, Any]] = {}
        self._texts: dict[str, str] = {}
        # How it connects the next time: over a socket, a stream or by long polls.
        self.way = SOCKET
        self._connected: Way | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        # What is said while older lines are sent again goes behind them, as in the widget.
        self._in_order = asyncio.Lock()
        self._token = self._session_id = ""
        self.is_closed = False

    # ---- what an end user does ----

    async def open(self) -> None:
        """Open a session and stay connected until `close`."""
        self._token = (await self._post("/api/v1/access-token"))["access_token"]
        body = {} if self.end_user is None else {"end_user": self.end_user}
        self._session_id = (await self._post("/api/v1/sessions", body))["session_id"]
        self._task = asyncio.create_task(self._stay_connected())
        await self.until(lambda: "SESSION_START" in self.types)
        await self._frame("REQUEST_POLY_AGENT_JOIN", {})
        await self.until(lambda: "POLY_AGENT_MESSAGE" in self.types)

    def tab(self) -> WidgetClient:
        """Open another tab of the same session, which only reads."""
        tab = WidgetClient(self.http, self.url, self.key, self.host)
        tab._token, tab._session_id = self._token, self._session_id
        tab._task = asyncio.create_task(tab._stay_connected())
        return tab

    async def send(self, text: str, *, copies: int = 1) -> None:
        """Send a message, as often as asked under the same client event id."""
        await self._send({"text": text}, copies)

    async def take(self, message_id: str, reply: dict[str, str], *, copies: int = 1) -> None:
        """Take one of a message's suggestions."""
        answer = {"message_id": message_id, "payload": reply["payload"]}
        await self._send({"text": reply["message_text"], "answer": answer}, copies)

    async def _send(self, payload: dict[str, Any], copies: int) -> None:
        client_id = str(uuid.uuid4())
        self._outbox[client_id] = payload
        async with self._in_order:
            for _ in range(copies):
                await self._send_one(client_id, payload)

    async def cut(self) -> None:
        """Lose the connection without a word."""
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.cut()

    async def reload(self) -> None:
        """Forget everything but the session, as a reloaded page does."""
        self.received.clear()
        self.not_delivered.clear()
        self.types.clear()
        self.sequence = 0
        # Before anything else is read: what is unread is of the page that is gone.
        await self.cut()

    async def close(self) -> None:
        """Leave."""
        self.is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, is_so: Any, *, seconds: float = 30) -> None:
        """Wait until a condition on what was received holds."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(is_so)

    # ---- the protocol ----

    async def _post(self, path: str, sent: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-Token": self.key, "X-Host": self.host}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        async with self.http.post(self.url + path, json=sent or {}, headers=headers) as answer:
            body: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {body}")
            return body

    async def _stay_connected(self) -> None:
        while not self.is_closed:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._connection()
            await asyncio.sleep(BACK_OFF_SECONDS * random.uniform(0.3, 1.0))

    async def _connection(self) -> None:
        cursor = self.sequence
        async with self._way() as way:
            if cursor != self.sequence:
                return  # the page was reloaded meanwhile
            self._connected = way
            async with self._in_order:
                for client_id, payload in list(self._outbox.items()):
                    await self._send_one(client_id, payload)
            async for frame in way.frames():
                while not self.is_reading:
                    await asyncio.sleep(0.05)
                if self._connected is not way:
                    break  # what was still unread when it was cut is asked for again
                await self._take(frame)
        self._connected = None

    @contextlib.asynccontextmanager
    async def _way(self) -> AsyncIterator[Way]:
        if self.way != SOCKET:
            url, polls = f"{self.url}/api/v1/sessions/{self._session_id}/events", self.way == POLL
            yield HttpWay(self.http, url, self._token, lambda: self.sequence, polls=polls)
            return
        address = f"{self.url.replace('http', 'ws', 1)}/ws"
        query = {"session_id": self._session_id, "cursor": str(self.sequence)}
        protocols = ("baton.v1", f"bearer.{self._token}")
        async with self.http.ws_connect(
            address, params=query, protocols=protocols, max_msg_size=0, heartbeat=20
        ) as socket:
            yield SocketWay(socket)

    async def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == f"{PREFIX}EVENT_BATCH":
            for inner in frame["payload"]["events"]:
                self._apply(inner)
        else:
            self._apply(frame)
        async with self._news:
            self._news.notify_all()

    def _apply(self, frame: dict[str, Any]) -> None:
        kind, payload = frame["type"].removeprefix(PREFIX), frame["payload"]
        if frame["sequence"] is not None:
            if frame["sequence"] <= self.sequence:
                return
            if frame["sequence"] != self.sequence + 1:
                raise AssertionError(f"gap: {self.sequence} then {frame['sequence']}")
            self.sequence = frame["sequence"]
        if "SESSION_END" in self.types and payload.get("code") != REFUSED:
            self.after_end.append(kind)
        self.types.append(kind)
        if kind == "LIVE_AGENT_MESSAGE":
            self.received.append(Received(payload["text"], time.monotonic()))
            self.offers += [payload] if payload["response_suggestions"] else []
        elif kind == "USER_MESSAGE":
            client_id = frame["metadata"]["custom"]["client_event_id"]
            self._outbox.pop(client_id, None)
            self._texts[payload["message_id"]] = payload["text"]
            self.echoes[payload["text"]] = time.monotonic()
        elif payload.get("code") == "choice_closed":
            self._outbox.pop(frame["metadata"]["custom"]["client_event_id"], None)
            self.refused.append(payload["message"])
        elif payload.get("code") == "handoff_forward_failed":
            self.not_delivered.append(self._texts.get(payload["message_id"], "?"))

    async def _send_one(self, client_id: str, payload: dict[str, Any]) -> None:
        await self._frame("USER_MESSAGE", payload, client_event_id=client_id)

    async def _frame(self, kind: str, payload: dict[str, Any], **custom: str) -> None:
        if self._connected is None or not self._connected.is_open:
            return
        frame = {"type": PREFIX + kind, "payload": payload, "metadata": {"custom": custom}}
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await self._connected.send(frame)
