"""What one socket may cost: unsent frames, frames a second, and what an outage does to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError

from conversations.journal.frames import error_frame
from conversations.socket.client_frames import metadata_of
from conversations.socket.frame_queue import FrameQueue
from integrations.behaviour.sentences import sentence
from integrations.entry.envelope import envelope
from integrations.telemetry.correlation import HEADER, correlation_begin
from integrations.telemetry.metrics import (
    FRAMES_REFUSED,
    REQUESTS_LIMITED,
    SOCKETS_CLOSED,
    SOCKETS_OPEN,
)

logger = logging.getLogger(__name__)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

TRY_AGAIN_LATER = 1013
_HANDSHAKE_ANSWERS = frozenset({"websocket.accept", "websocket.http.response.start"})
# For a close frame to reach a client that reads again after all.
CLOSE_SECONDS = 2.0
# A client that is refused is read more slowly from then on, so that it cannot fill us either.
REFUSED_PAUSE_SECONDS = 0.05
# Until its connection is down, uvicorn takes a refused handshake for one that we forgot.
REFUSED_HANDSHAKE_SECONDS = 0.05
RETRY_AFTER_SECONDS = 60
# Of its own, because a flood of messages has used up the other one.
CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_BURST = 5.0, 10


class SocketBounds:
    """An ASGI application around the consumer of the widget's sockets."""

    def __init__(self, application: Application) -> None:
        """Take the consumer's application."""
        self._application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket until it ends, is too slow, or the database goes away."""
        given = dict(scope["headers"]).get(HEADER.lower().encode(), b"")
        named = (HEADER.lower().encode(), correlation_begin(given.decode("latin-1")).encode())

        async def send_named(message: Message) -> None:
            if message["type"] in _HANDSHAKE_ANSWERS:
                message["headers"] = [*message.get("headers", []), named]
            await send(message)

        await _Socket(receive, send_named).serve(self._application, scope)


class ClientGoneError(OSError):
    """The server has closed the socket by itself, as over a frame that broke the protocol."""


async def refuse_elsewhere(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """An ASGI application: there is no socket at this address."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"application/json")]
    body = json.dumps(envelope("NOT_FOUND", "There is no WebSocket here. It is at /ws.")).encode()
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


class FrameBudget:
    """A bucket that fills at a steady rate; each frame takes one. A rate of 0 is no limit."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        """Start full."""
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()

    def take(self) -> bool:
        """Take one frame's worth if there is one."""
        if self._per_second <= 0:
            return True
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Socket:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._frames, self._send = FrameQueue(receive), send
        self._budget = FrameBudget(
            per_second=settings.SOCKET_FRAMES_PER_SECOND, burst=settings.SOCKET_FRAMES_BURST
        )
        self._control_budget = FrameBudget(
            per_second=CONTROL_FRAMES_PER_SECOND, burst=CONTROL_FRAMES_BURST
        )
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._watch: asyncio.TimerHandle | None = None
        self._sending, self._sending_since = 0, 0.0
        self._is_open = self._is_answered = self._is_too_slow = self._can_answer = False
        self._is_refused = False
        self._state: dict[str, Any] = {}

    async def serve(self, application: Application, scope: MutableMapping[str, Any]) -> None:
        # The application says there in which language its client reads.
        self._state = scope.setdefault("state", {})
        self._can_answer = "websocket.http.response" in scope.get("extensions", {})
        self._frames.start()
        try:
            await application(scope, self._next_frame, self._pass_on)
            if self._is_refused:
                await asyncio.sleep(REFUSED_HANDSHAKE_SECONDS)
        except DatabaseError as error:
            logger.warning("A socket ends, the database is away: %s", type(error).__name__)
            await self._turn_away("database")
        except ClientGoneError:
            logger.info("A socket ends, the server has hung up on its client")
        except asyncio.CancelledError:
            if not self._is_too_slow:
                raise
            if self._task is not None:
                self._task.uncancel()
            logger.warning("A socket ends, its client does not read")
            await self._turn_away("slow")
        finally:
            self._frames.stop()
            self._opened(False)

    # ---- from the client ----

    async def _next_frame(self) -> Message:
        while True:
            message, has_overtaken = await self._frames.next()
            budget = self._control_budget if has_overtaken else self._budget
            if message["type"] != "websocket.receive" or budget.take():
                return message
            await self._refuse(message)

    async def _refuse(self, message: Message) -> None:
        FRAMES_REFUSED.inc()
        if self._frames.is_client_gone:
            return
        number = settings.SOCKET_FRAMES_PER_SECOND
        text = sentence("frames_a_second", self._state.get("locale", ""), number=number)
        frame = error_frame("rate_limited", text, metadata_of(message.get("text")))
        await self._pass_on({"type": "websocket.send", "text": json.dumps(frame)})
        await asyncio.sleep(REFUSED_PAUSE_SECONDS)

    # ---- to the client ----

    async def _pass_on(self, message: Message) -> None:
        """Send, and let the watch see for how long the oldest unsent frame waits."""
        kind = message["type"]
        if kind == "websocket.http.response.start":
            self._note_refusal(message)
        if not self._sending:
            self._sending_since = self._loop.time()
        self._sending += 1
        try:
            await self._send(message)
        except RuntimeError as error:
            if kind == "websocket.send" and self._is_open:
                raise ClientGoneError from error
            raise
        finally:
            self._sending -= 1
        if kind != "websocket.send":
            self._is_answered = True
            self._opened(kind == "websocket.accept")

    def _note_refusal(self, message: Message) -> None:
        self._is_refused = True
        if message["status"] == 429:
            REQUESTS_LIMITED.labels("sockets").inc()
            headers = dict(message.get("headers", []))
            headers.setdefault(b"retry-after", str(RETRY_AFTER_SECONDS).encode())
            message["headers"] = [*headers.items()]

    def _opened(self, is_open: bool) -> None:
        if is_open == self._is_open:
            return
        self._is_open = is_open
        SOCKETS_OPEN.inc(1 if is_open else -1)
        if is_open:
            self._check()
        elif self._watch is not None:
            self._watch.cancel()

    def _check(self) -> None:
        limit = settings.SOCKET_SEND_SECONDS
        if self._sending and self._loop.time() - self._sending_since > limit:
            self._is_too_slow = True
            if self._task is not None:
                self._task.cancel()
            return
        self._watch = self._loop.call_later(limit / 3, self._check)

    async def _turn_away(self, reason: str) -> None:
        """Tell the client to come back later; one that does not read is not waited for."""
        SOCKETS_CLOSED.labels(reason).inc()
        messages: list[Message] = [{"type": "websocket.close", "code": TRY_AGAIN_LATER}]
        if self._can_answer and not self._is_answered:
            said = envelope("DATABASE_UNAVAILABLE", "The database is away. Try again.")
            body = json.dumps(said).encode()
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"5")]
            start = {"type": "websocket.http.response.start", "status": 503, "headers": headers}
            messages = [start, {"type": "websocket.http.response.body", "body": body}]
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for message in messages:
                    await self._send(message)
