"""The Streaming API: CometD clients that shake hands, subscribe with replay, and poll."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.salesforce_byoc.simulator.world import TOPIC, ByocWorld

MAX_BODY = 32_768
# A client that does not come back in time is forgotten.
RECONNECT_SECONDS = 40.0
_TICK = 0.25
_ADVICE = {"interval": 0, "timeout": 110_000, "reconnect": "retry"}
NEW_ONLY, ALL_RETAINED = -1, -2


@dataclass(slots=True, kw_only=True, eq=False)
class CometdClient:
    """One client, what it has been told, and the poll that it holds."""

    client_id: str
    token: str
    # How much of the event log it has had; None before it subscribes.
    position: int | None = None
    seen_at: float = field(default_factory=time.monotonic)
    is_polling: bool = False
    is_cut: bool = False
    is_over: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def notify(self) -> None:
        """Wake its poll from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake.set)


class Cometd:
    """All clients of the organization's."""

    def __init__(self, world: ByocWorld) -> None:
        self._world = world
        self.clients: dict[str, CometdClient] = {}
        self.silent_until = 0.0
        world.on_event = self.wake

    def wake(self) -> None:
        """Let every poll look."""
        for client in list(self.clients.values()):
            client.notify()

    def drop(self) -> None:
        """Break every poll that is held in the middle of its answer."""
        for client in list(self.clients.values()):
            client.is_cut = client.is_polling
        self.wake()

    def close(self) -> None:
        """Answer every poll that is held because the server stops."""
        for client in list(self.clients.values()):
            client.is_over = True
        self.wake()

    async def answer(self, request: Request) -> Response:
        """Answer an array of messages."""
        body = await request.body()
        if len(body) > MAX_BODY:
            return Response(status_code=413)
        # jsforce says OAuth where the page says Bearer.
        token = request.headers.get("Authorization", "").partition(" ")[2]
        try:
            messages = json.loads(body)
        except ValueError:
            return Response("400::Invalid JSON", status_code=400)
        messages = messages if isinstance(messages, list) else [messages]
        answers: list[dict[str, Any]] = []
        poll: tuple[CometdClient, dict[str, Any]] | None = None
        for message in messages:
            with self._world.lock:
                client, answer = self._one(message, token)
            is_held = message.get("channel") == "/meta/connect" and answer["successful"]
            if is_held and client is not None and _timeout(message) != 0:
                poll = (client, answer)
            elif is_held and client is not None:
                answers += [*self._news(client), answer]
            else:
                answers.append(answer)
        response: Response = AsciiJSONResponse(answers)
        if poll is not None:
            response = HeldPoll(self, self._world, poll[0], [*answers, poll[1]])
        if any(message.get("channel") == "/meta/handshake" for message in messages):
            response.set_cookie("BAYEUX_BROWSER", secrets.token_hex(8), httponly=True)
        return response

    def news(self, client: CometdClient) -> list[dict[str, Any]]:
        """Return what a client has not been told."""
        with self._world.lock:
            return self._news(client)

    def _news(self, client: CometdClient) -> list[dict[str, Any]]:
        if client.position is None or time.monotonic() < self.silent_until:
            return []
        events = self._world.events[client.position :]
        client.position = len(self._world.events)
        return [
            {
                "channel": TOPIC,
                "data": {
                    "schema": "kN4vInventedSchemaId01",
                    "payload": event["payload"],
                    "event": {
                        "EventUuid": f"uuid-{event['replayId']}",
                        "replayId": event["replayId"],
                    },
                },
            }
            for event in events
        ]

    def _one(
        self, message: Mapping[str, Any], token: str
    ) -> tuple[CometdClient | None, dict[str, Any]]:
        channel = str(message.get("channel", ""))
        base = {"channel": channel, "successful": True}
        if "id" in message:
            base["id"] = message["id"]
        if token not in self._world.tokens:
            return None, _refused(base, "401::Authentication invalid", "none")
        if channel == "/meta/handshake":
            return self._handshake(base, message, token)
        client = self.clients.get(str(message.get("clientId", "")))
        if client is None or self._is_forgotten(client):
            return None, _refused(base, "403::Unknown client", "handshake")
        client.seen_at = time.monotonic()
        base["clientId"] = client.client_id
        if channel == "/meta/connect":
            return client, {**base, "advice": dict(_ADVICE)}
        if channel == "/meta/subscribe":
            return client, self._subscribe(base, message, client)
        if channel == "/meta/disconnect":
            del self.clients[client.client_id]
            return client, base
        if channel == "/meta/unsubscribe":
            client.position = None
            return client, {**base, "subscription": message.get("subscription")}
        return client, _refused(base, "403::Publishing is not allowed", "none")

    def _handshake(
        self, base: dict[str, Any], message: Mapping[str, Any], token: str
    ) -> tuple[CometdClient | None, dict[str, Any]]:
        types = message.get("supportedConnectionTypes")
        if message.get("version") != "1.0" or not types or "long-polling" not in types:
            return None, _refused(base, "400::Unsupported version or connection type", "none")
        client = CometdClient(client_id=secrets.token_hex(16), token=token)
        self.clients[client.client_id] = client
        ext = {"replay": True, "payload.format": True}
        return client, {
            **base,
            "clientId": client.client_id,
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "ext": ext,
            "advice": dict(_ADVICE),
        }

    def _subscribe(
        self, base: dict[str, Any], message: Mapping[str, Any], client: CometdClient
    ) -> dict[str, Any]:
        topic = message.get("subscription")
        topic = topic[0] if isinstance(topic, list) else topic
        base["subscription"] = topic
        if topic != TOPIC:  # case-sensitive
            return _refused(base, f"404::Unknown channel {{{topic}}}", "none")
        replay = ((message.get("ext") or {}).get("replay") or {}).get(topic, NEW_ONLY)
        events = self._world.events
        if replay == NEW_ONLY:
            client.position = len(events)
        elif replay == ALL_RETAINED:
            client.position = 0
        elif not isinstance(replay, int) or not 0 <= replay <= self._world.newest:
            return _refused(base, "400::The replayId is invalid", "none")
        else:
            numbers = [event["replayId"] for event in events]
            client.position = sum(number <= replay for number in numbers)
        client.notify()
        return base

    def _is_forgotten(self, client: CometdClient) -> bool:
        is_late = time.monotonic() - client.seen_at > RECONNECT_SECONDS
        return is_late and not client.is_polling


class HeldPoll(Response):
    """Answers one /meta/connect when there is something to tell, or the hold is over."""

    def __init__(
        self, cometd: Cometd, world: ByocWorld, client: CometdClient, answers: list[dict[str, Any]]
    ) -> None:
        super().__init__()
        self._cometd = cometd
        self._world = world
        self._client = client
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold, then answer; a client that has gone gets nothing, and is told again."""
        gone = asyncio.Event()
        with self._held():
            watcher = asyncio.ensure_future(_watch(gone, self._client, receive))
            try:
                news = await self._wait(gone)
            finally:
                watcher.cancel()
        if news is None:
            await _cut(send)
        elif not gone.is_set():
            body = AsciiJSONResponse([*news, *self._answers])
            await body(scope, receive, send)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._client.is_polling = True
        try:
            yield
        finally:
            self._client.is_polling, self._client.is_cut = False, False
            self._client.seen_at = time.monotonic()

    async def _wait(self, gone: asyncio.Event) -> list[dict[str, Any]] | None:
        client, end = self._client, time.monotonic() + self._world.switches.hold_seconds
        while True:
            client.wake.clear()
            if client.is_cut:
                return None
            if gone.is_set() or client.is_over:
                return []
            if client.token not in self._world.tokens:
                base = {**self._answers[-1], "successful": False}
                self._answers[-1] = _refused(base, "401::Authentication invalid", "none")
                return []
            if news := self._cometd.news(client):
                return news
            left = end - time.monotonic()
            if left <= 0:
                return []
            try:
                async with asyncio.timeout(min(left, _TICK)):
                    await client.wake.wait()
            except TimeoutError:
                continue


def _timeout(message: Mapping[str, Any]) -> object:
    """Return how long a client wants its poll to be held at most."""
    return (message.get("advice") or {}).get("timeout")


def _refused(base: Mapping[str, Any], error: str, reconnect: str) -> dict[str, Any]:
    return {**base, "successful": False, "error": error, "advice": {"reconnect": reconnect}}


async def _watch(gone: asyncio.Event, client: CometdClient, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
    client.notify()


async def _cut(send: Send) -> None:
    """Begin an answer and never end it, as a broken connection does."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"512")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"[{", "more_body": True})
