"""A stand-in of Direct Line 3.0 with a bot behind it, strict about what the protocol says."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSCloseCode, web

SECRET = "dl-secret-of-the-test"
Activity = dict[str, Any]
Bot = Callable[[Activity], list[Activity]]


def says(text: str) -> Activity:
    """Return a message after which the bot waits, so that nobody waits for more."""
    return {"type": "message", "text": text, "inputHint": "expectingInput"}


def echo(activity: Activity) -> list[Activity]:
    """Answer a message, and pass over everything else."""
    return [says(f"You said {activity['text']}")] if activity["type"] == "message" else []


@dataclass
class Conversation:
    """What was said, in the order of the watermarks, and who listens."""

    id: str
    activities: list[Activity] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)


@dataclass
class DirectLine:
    """The service: the bot's answers, and what goes wrong next."""

    base: str = ""
    bot: Bot = echo
    has_stream: bool = True
    conversations: dict[str, Conversation] = field(default_factory=dict)
    heard: list[Activity] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # Statuses of the next sends, and whether the bot gets what was refused so.
    refusals: list[tuple[int, str, bool]] = field(default_factory=list)
    reverses: bool = False
    repeats: bool = False
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    loop: asyncio.AbstractEventLoop | None = None

    def routes(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v3/directline/conversations", self.start)
        app.router.add_get("/v3/directline/conversations/{id}", self.reconnect)
        app.router.add_post("/v3/directline/conversations/{id}/activities", self.send)
        app.router.add_get("/v3/directline/conversations/{id}/activities", self.read)
        app.router.add_get("/v3/directline/conversations/{id}/stream", self.stream)
        return app

    async def start(self, request: web.Request) -> web.Response:
        self._note(request, "start")
        if refused := self._unauthorized(request):
            return refused
        found = Conversation(f"c{next(self._numbers)}")
        self.conversations[found.id] = found
        return web.json_response(self._described(found, ""), status=201)

    async def reconnect(self, request: web.Request) -> web.Response:
        self._note(request, "reconnect")
        found = self._found(request)
        if isinstance(found, web.Response):
            return found
        return web.json_response(self._described(found, request.query.get("watermark", "")))

    async def send(self, request: web.Request) -> web.Response:
        self._note(request, "send")
        found = self._found(request)
        if isinstance(found, web.Response):
            return found
        activity = await request.json()
        if not activity.get("from", {}).get("id"):
            return _error(400, "MissingProperty")
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is None or refusal[2]:
            sent = await self._say(found, activity)
            self.heard.append(sent)
            answers = [self._named(one, sent) for one in self.bot(sent)]
            asyncio.get_running_loop().create_task(self._answer(found, answers))
        if refusal is not None:
            return _error(refusal[0], refusal[1])
        return web.json_response({"id": sent["id"]})

    async def read(self, request: web.Request) -> web.Response:
        self._note(request, "read")
        found = self._found(request)
        if isinstance(found, web.Response):
            return found
        after = int(request.query.get("watermark") or 0)
        shown = [one for one in found.activities[after:] if one["type"] != "typing"]
        return web.json_response({"activities": shown, "watermark": str(len(found.activities))})

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        self._note(request, "stream")
        found = self.conversations[request.match_info["id"]]
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("")  # a keep-alive
        if request.query.get("watermark"):
            old = found.activities[int(request.query["watermark"]) :]
            for number, one in enumerate(old):
                await socket.send_json({"activities": [one], "watermark": str(number)})
        found.sockets.append(socket)
        async for _ in socket:
            pass
        found.sockets.remove(socket)
        return socket

    async def break_streams(self) -> None:
        for conversation in self.conversations.values():
            for socket in list(conversation.sockets):
                await socket.close(code=WSCloseCode.GOING_AWAY)

    def later(self, text: str) -> None:
        """Let the bot say something by itself in every conversation."""
        assert self.loop is not None
        for conversation in self.conversations.values():
            said = {"type": "message", "text": text, "from": {"id": "bot"}}
            asyncio.run_coroutine_threadsafe(self._say(conversation, said), self.loop).result(5)

    async def _answer(self, found: Conversation, answers: list[Activity]) -> None:
        for one in reversed(answers) if self.reverses else answers:
            await asyncio.sleep(one.pop("_after", 0))
            said = await self._say(found, one)
            if self.repeats:
                await self._show(found, said)

    async def _say(self, found: Conversation, activity: Activity) -> Activity:
        said = {"id": f"{found.id}|{next(self._numbers):07}", "timestamp": _now(), **activity}
        found.activities.append(said)
        await self._show(found, said)
        return said

    async def _show(self, found: Conversation, said: Activity) -> None:
        frame = {"activities": [said], "watermark": str(len(found.activities))}
        for socket in list(found.sockets):
            await socket.send_json(frame)

    def _named(self, answer: Activity, sent: Activity) -> Activity:
        known = {"from": {"id": "bot", "role": "bot"}, "replyToId": sent["id"], "timestamp": _now()}
        return {**known, **answer}

    def _described(self, found: Conversation, watermark: str) -> dict[str, Any]:
        told = {"conversationId": found.id, "expires_in": 1800, "token": f"token-{found.id}"}
        if self.has_stream:
            address = self.base.replace("http://", "ws://")
            told["streamUrl"] = f"{address}/conversations/{found.id}/stream?watermark={watermark}"
        return told

    def _found(self, request: web.Request) -> Conversation | web.Response:
        if refused := self._unauthorized(request):
            return refused
        found = self.conversations.get(request.match_info["id"])
        return found or _error(403, "TokenExpired")

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        token = f"token-{request.match_info.get('id')}"
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        # A client may go on with the token of its conversation.
        is_known = given in (SECRET, token)
        return None if is_known else _error(403, "BadArgument")

    def _note(self, request: web.Request, call: str) -> None:
        self.calls.append(call)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "no"}}, status=status)


@contextmanager
def served(app: web.Application, loop: asyncio.AbstractEventLoop) -> Iterator[int]:
    """Serve an application on a port of its own, on a loop in a thread of its own."""

    async def begin() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@contextmanager
def direct_line() -> Iterator[DirectLine]:
    """Serve Direct Line for the length of the block."""
    line, loop = DirectLine(), asyncio.new_event_loop()
    line.loop = loop
    with served(line.routes(), loop) as port:
        line.base = f"http://127.0.0.1:{port}/v3/directline"
        yield line
