"""A portal's end of Open Messaging, written for these tests from the vendor's contract."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.vendors import desk
from tests.waiting import PATIENCE_SECONDS, eventually_async

CLIENT_ID = "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10"
CLIENT_SECRET = "simulated-client-secret"
INTEGRATION_ID = "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42"
WEBHOOK_SECRET = "portal-secret-0123456789"
API = "/api/v2"
MESSAGES = f"{API}/conversations/messages"
INTEGRATIONS = f"{API}/conversations/messaging/integrations/open"
CHANNELS = f"{API}/notifications/channels"
DETAIL = "v2.detail.events.conversation"


def now_text() -> str:
    at = datetime.datetime.now(datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def request_token(
    http: aiohttp.ClientSession,
    secret: str = CLIENT_SECRET,
    grant_type: str = "client_credentials",
) -> tuple[int, Any]:
    basic = base64.b64encode(f"{CLIENT_ID}:{secret}".encode()).decode()
    async with http.post(
        "/oauth/token",
        data={"grant_type": grant_type},
        headers={"Authorization": f"Basic {basic}"},
    ) as response:
        return response.status, await response.json()


@dataclass
class Answer:
    """What a call was answered with."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Api:
    """One OAuth client's calls."""

    http: aiohttp.ClientSession
    token: str

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        if body is not None:
            options["json"] = body
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        async with self.http.request(method, path, headers=headers, **options) as response:
            raw = await response.read()
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            return Answer(
                response.status, json.loads(raw) if is_json and raw else raw, response.headers
            )

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.call("GET", path, **options)
        assert answer.status == 200, answer
        return answer.body

    async def inbound(self, kind: str, body: object, **options: Any) -> Answer:
        path = f"{MESSAGES}/{INTEGRATION_ID}/inbound/open/{kind}"
        return await self.call("POST", path, body, **options)

    async def conversation(self, conversation_id: str) -> dict[str, Any]:
        return await self.get(f"{MESSAGES}/{conversation_id}")


@dataclass
class EndUser:
    """One external user of the integration."""

    api: Api
    id: str = field(default_factory=lambda: f"ho_{uuid.uuid4().hex[:8]}")
    conversation_id: str = ""

    def channel(self, **more: Any) -> dict[str, Any]:
        sender = {"id": self.id, "idType": "Opaque", "nickname": "Ines"}
        return {"from": sender, "time": now_text(), **more}

    async def say(self, text: str, attributes: dict[str, str] | None = None, **more: Any) -> Answer:
        metadata = {"metadata": {"customAttributes": attributes}} if attributes else {}
        channel = self.channel(messageId=f"pm-{uuid.uuid4().hex}", **metadata)
        answer = await self.api.inbound(
            "message",
            {"channel": channel, "text": text, **more},
            params={"prefetchConversationId": "true"},
        )
        assert answer.status == 202, answer
        self.conversation_id = answer.body.get("conversationId", self.conversation_id)
        return answer

    async def leave(self) -> Answer:
        """End from the portal's side, as the contract says."""
        conversation = await self.api.conversation(self.conversation_id)
        customer = [one for one in conversation["participants"] if one["purpose"] == "customer"][-1]
        path = f"{MESSAGES}/{self.conversation_id}/participants/{customer['id']}"
        return await self.api.call("PATCH", path, {"state": "disconnected"})


@dataclass
class Portal:
    """The receiving end of webhooks: remembers all and answers as told."""

    bodies: list[Any] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.raw.append(raw)
        self.headers.append(dict(request.headers))
        self.bodies.append(json.loads(raw))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def texts(self) -> list[str]:
        return [one.get("text", "") for one in self.bodies if one["type"] == "Text"]

    async def until(self, is_wanted: Callable[[Any], bool]) -> Any:
        """Wait for a body and return it."""
        await eventually_async(lambda: any(is_wanted(one) for one in self.bodies))
        return next(one for one in self.bodies if is_wanted(one))

    async def until_type(self, name: str) -> Any:
        return await self.until(lambda one: one["type"] == name)

    async def until_text(self, text: str) -> Any:
        return await self.until(lambda one: one.get("text") == text)


@dataclass
class Listener:
    """A notification channel with its socket."""

    channel: dict[str, str]
    socket: aiohttp.ClientWebSocketResponse
    frames: list[Any] = field(default_factory=list)

    async def next(self) -> Any:
        message = await self.socket.receive(PATIENCE_SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(message.type)
        self.frames.append(json.loads(message.data))
        return self.frames[-1]

    async def until(self, is_wanted: Callable[[Any], bool]) -> Any:
        for frame in self.frames:
            if is_wanted(frame):
                return frame
        # Heartbeats go on for ever: silence alone would not end this.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_wanted(frame := await self.next()):
                pass
        return frame

    async def catch_up(self) -> None:
        """Read everything that was sent before this call."""
        mark = uuid.uuid4().hex
        await self.socket.send_json({"message": "subscribe", "topics": [], "correlationId": mark})
        await self.until(lambda one: one.get("correlationId") == mark)

    async def until_event(self, name: str) -> Any:
        frame = await self.until(lambda one: one.get("topicName", "").endswith(f".{name}"))
        return frame["eventBody"]

    @property
    def names(self) -> list[str]:
        """Return the names of the detail events so far."""
        topics = [one.get("topicName", "") for one in self.frames]
        return [".".join(one.split(".")[5:]) for one in topics if one.startswith(DETAIL)]

    async def read_to_end(self) -> list[Any]:
        try:
            while True:
                await self.next()
        except EOFError:
            return self.frames


def topics_of(conversation_id: str, *names: str) -> list[dict[str, str]]:
    return [{"id": f"{DETAIL}.{conversation_id}.{name}"} for name in names]


@asynccontextmanager
async def listening(api: Api, topics: list[dict[str, str]]) -> AsyncIterator[Listener]:
    """Make a channel, subscribe, and open its socket."""
    created = await api.call("POST", CHANNELS, {})
    assert created.status == 200, created
    path = f"{CHANNELS}/{created.body['id']}/subscriptions"
    subscribed = await api.call("POST", path, topics)
    assert [one["state"] for one in subscribed.body["entities"]] == ["Permitted"] * len(topics)
    async with api.http.ws_connect(created.body["connectUri"]) as socket:
        listener = Listener(created.body, socket)
        # An answer proves that the socket is attached.
        await listener.catch_up()
        yield listener


class Desk(desk.Desk):
    """The desk's HTTP calls, and what a webhook came to."""

    async def has_sent(self, conversation_id: str, status: str = "sent") -> None:
        """Wait until the latest message has a status."""

        async def is_so() -> bool:
            messages = (await self.conversation(conversation_id))["messages"]
            return bool(messages[-1]["status"] == status)

        await eventually_async(is_so)
