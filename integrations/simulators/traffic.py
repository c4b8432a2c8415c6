"""What passes through a simulator's vendor paths: the request log and the faults."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

REQUESTS_KEPT = 2000
# What stands in place of a method for the opening of a WebSocket.
HANDSHAKE = "WEBSOCKET"
SWITCHING_PROTOCOLS = 101
# No client waits for so long.
HOLD_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """One vendor-side request; headers and body are kept as they were sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    received_at: float
    status: int | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the request in the shape of the desk's request list."""
        return {name: getattr(self, name) for name in self.__slots__}


class RequestLog:
    """The latest requests in order of arrival; forgets the oldest."""

    def __init__(self) -> None:
        self._kept: deque[RecordedRequest] = deque(maxlen=REQUESTS_KEPT)

    def add(self, request: RecordedRequest) -> None:
        """Append one request; its status is filled in when it is answered."""
        self._kept.append(request)

    def all(self) -> list[RecordedRequest]:
        """Return the kept requests, oldest first."""
        return list(self._kept)

    def clear(self) -> None:
        """Forget every request."""
        self._kept.clear()


@dataclass(slots=True, kw_only=True)
class PlannedFailure:
    """Answers to spoil: how many, on which paths, and whether the effect still happens."""

    status: int
    count: int = 1
    # How many such requests pass before.
    skip: int = 0
    path_prefix: str = ""
    path_suffix: str = ""
    method: str = ""
    retry_after: int | None = None
    after_accept: bool = False
    # The vendor's own name for the error; empty takes the usual one for the status.
    error_code: str = ""

    def matches(self, method: str, path: str) -> bool:
        """Tell whether this request is one to spoil; handshakes only when they are asked for."""
        if method == HANDSHAKE and self.method != HANDSHAKE:
            return False
        return (
            path.startswith(self.path_prefix)
            and path.endswith(self.path_suffix)
            and self.method in ("", method)
        )


@dataclass(slots=True, kw_only=True)
class Hold:
    """Stops a request whose body has this text, until it is let go: before or after its effect."""

    text: str
    after_accept: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    async def wait(self) -> None:
        """Wait to be let go, but no longer than any client would."""
        await asyncio.to_thread(self.over.wait, HOLD_SECONDS)


class FaultPlan:
    """The faults every simulator knows: failing answers, slow answers, requests that are held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: list[PlannedFailure] = []
        self._holds: list[Hold] = []
        self.latency_seconds = 0.0

    def hold(self, hold: Hold) -> None:
        """Hold requests from now on."""
        with self._lock:
            self._holds.append(hold)

    def release(self) -> None:
        """Let go what is held, and hold nothing any more."""
        with self._lock:
            for hold in self._holds:
                hold.over.set()
            self._holds.clear()

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Return what is to be held."""
        return tuple(self._holds)

    def add(self, failure: PlannedFailure) -> None:
        """Plan a failure behind those already planned."""
        with self._lock:
            self._failures.append(failure)

    def take(self, method: str, path: str) -> PlannedFailure | None:
        """Return the failure meant for this request and count it down."""
        with self._lock:
            for failure in self._failures:
                if failure.matches(method, path):
                    if failure.skip:
                        failure.skip -= 1
                        continue
                    failure.count -= 1
                    if failure.count <= 0:
                        self._failures.remove(failure)
                    return failure
        return None

    def clear(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._failures.clear()
            self.latency_seconds = 0.0
        self.release()


class RecordingMiddleware:
    """Records each request with its body, and the status it was answered with."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body first, so that the log is in order of arrival and complete."""
        is_http = scope["type"] == "http"
        body = await Request(scope, receive).body() if is_http else b""
        recorded = _recorded(scope, body)
        self._log.add(recorded)

        async def send_and_record(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                recorded.status = message["status"]
            elif message["type"] == "websocket.accept":
                recorded.status = SWITCHING_PROTOCOLS
            await send(message)

        replayed = _replay(body, receive) if is_http else receive
        await self._app(scope, replayed, send_and_record)


class FaultMiddleware:
    """Delays and spoils answers as planned."""

    def __init__(
        self,
        app: ASGIApp,
        faults: FaultPlan,
        answer: Callable[[PlannedFailure, str], Response],
    ) -> None:
        self._app = app
        self._faults = faults
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Apply latency, then a planned failure if one is meant for this request."""
        if self._faults.latency_seconds:
            await asyncio.sleep(self._faults.latency_seconds)
        hold = None
        if self._faults.holds and scope["type"] == "http":
            body = await Request(scope, receive).body()
            receive = _replay(body, receive)
            hold = next((one for one in self._faults.holds if one.text.encode() in body), None)
        if hold is not None and not hold.after_accept:
            await hold.wait()
        failure = self._faults.take(_method(scope), scope["path"])
        if failure is None:
            await self._app(scope, receive, _held(send, hold))
            return
        answer = self._answer(failure, scope["path"])
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(answer)
            return
        if failure.after_accept:
            await self._app(scope, receive, _discard)
        await answer(scope, receive, send)


def _held(send: Send, hold: Hold | None) -> Send:
    """Return a sender whose answer waits, if that is what is held."""
    if hold is None or not hold.after_accept:
        return send

    async def send_later(message: Message) -> None:
        await hold.wait()
        await send(message)

    return send_later


async def _discard(_message: Message) -> None:
    return


def _method(scope: Scope) -> str:
    method: str = HANDSHAKE if scope["type"] == "websocket" else scope["method"]
    return method


def _recorded(scope: Scope, body: bytes) -> RecordedRequest:
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    return RecordedRequest(
        method=_method(scope),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()
        },
        body=body.decode("utf-8", errors="replace"),
        received_at=time.time(),
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once more, then whatever the connection really says."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
