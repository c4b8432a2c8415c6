"""Stand-ins for both ends of the simulator: a caller with a key, and a portal that is called."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.waiting import eventually_async

APP_ID = "aa11bb22cc33dd44ee55ff66"
INTEGRATION_ID = "bb11cc22dd33ee44ff55aa66"
INT_KEY = ("int_cc11dd22ee33ff44aa55bb66", "simulated-integration-key-secret")
APP_KEY = ("app_ab12cd34ef56ab12cd34ef56", "simulated-app-key-secret")
SUPPORT = ("integration@brightside.example/token", "simulated-support-api-token")
WORKSPACE, OWN = "zd-agentWorkspace", "handoff-portal"


def basic(pair: tuple[str, str]) -> str:
    """Return what Basic authentication sends for a name and its secret."""
    return "Basic " + base64.b64encode(":".join(pair).encode()).decode()


@dataclass
class Caller:
    """The Conversations API as one key sees it."""

    http: aiohttp.ClientSession
    key: tuple[str, str] = INT_KEY

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": basic(self.key)}

    async def call(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> tuple[int, Any]:
        if body is not None:
            options["json"] = body
        options.setdefault("headers", self.headers)
        async with self.http.request(method, f"/sc/v2{path}", **options) as response:
            return response.status, await response.json()

    async def on(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> tuple[int, Any]:
        """Call a path of the app."""
        return await self.call(method, f"/apps/{APP_ID}{path}", body, **options)

    async def user(self, external_id: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"externalId": external_id or f"portal:{uuid.uuid4()}", **more}
        status, answer = await self.on("POST", "/users", body)
        assert status == 201, answer
        return answer["user"]

    async def conversation(self, **more: Any) -> Chat:
        """Open a conversation with a new user."""
        user = await self.user(profile={"givenName": "Ines", "surname": "Okafor"})
        body = {"type": "personal", "participants": [{"userId": user["id"]}], **more}
        status, answer = await self.on("POST", "/conversations", body)
        assert status == 201, answer
        return Chat(self, answer["conversation"]["id"], user["id"])


@dataclass
class Chat:
    """One conversation and its user."""

    caller: Caller
    conversation_id: str
    user_id: str

    async def on(
        self, method: str, path: str = "", body: object = None, **options: Any
    ) -> tuple[int, Any]:
        return await self.caller.on(
            method, f"/conversations/{self.conversation_id}{path}", body, **options
        )

    async def post(self, content: object, author: object = None, **more: Any) -> tuple[int, Any]:
        author = author or {"type": "user", "userId": self.user_id}
        return await self.on("POST", "/messages", {"author": author, "content": content, **more})

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        status, answer = await self.post({"type": "text", "text": text}, **more)
        assert status == 201, answer
        return answer["messages"][0]

    async def pass_control(self, target: str = WORKSPACE, **metadata: Any) -> tuple[int, Any]:
        body = {"switchboardIntegration": target, "metadata": metadata}
        return await self.on("POST", "/passControl", body)

    async def offer_control(self, target: str = OWN) -> tuple[int, Any]:
        return await self.on("POST", "/offerControl", {"switchboardIntegration": target})

    async def hand_over(self, **metadata: Any) -> None:
        """Do what a portal does: say something, pass control, keep hearing."""
        await self.say("My parcel is late")
        assert await self.pass_control(**metadata) == (200, {})
        assert await self.offer_control() == (200, {})

    async def controllers(self) -> tuple[str | None, str | None]:
        """Return the names of the active and the pending integration."""
        _, answer = await self.on("GET")
        parts = (answer["conversation"].get(f"{n}SwitchboardIntegration") for n in PARTS)
        active, pending = (part["name"] if part else None for part in parts)
        return active, pending

    async def messages(self, **query: Any) -> dict[str, Any]:
        status, answer = await self.on("GET", "/messages", params=query)
        assert status == 200, answer
        return answer


PARTS = ("active", "pending")


@dataclass
class Tickets:
    """The ticketing API as the integration's Support user."""

    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: object = None, pair: tuple[str, str] = SUPPORT
    ) -> tuple[int, Any]:
        headers = {"Authorization": basic(pair)}
        async with self.http.request(
            method, f"/api/v2{path}", json=body, headers=headers
        ) as response:
            return response.status, await response.json()

    async def create(self, **ticket: Any) -> dict[str, Any]:
        status, answer = await self.call("POST", "/tickets.json", {"ticket": ticket})
        assert status == 201, answer
        return answer["ticket"]


@dataclass
class Call:
    """One webhook that arrived."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)


@dataclass
class Portal:
    """Receives webhooks at /events and /status, and answers as told."""

    calls: list[Call] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    probes: list[str] = field(default_factory=list)
    url: str = ""

    async def receive(self, request: web.Request) -> web.Response:
        if request.method == "HEAD":
            self.probes.append(request.path)
            return web.Response()
        self.calls.append(Call(request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def at(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the Conversations events in the order of arrival."""
        return [event for call in self.at("/events") for event in call.body["events"]]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of a type of event."""
        return [event["payload"] for event in self.events if event["type"] == kind]

    @property
    def texts(self) -> list[str]:
        return [one["message"]["content"]["text"] for one in self.of("conversation:message")]

    @property
    def ticket_events(self) -> list[dict[str, Any]]:
        return [call.body for call in self.at("/status")]

    async def until(self, is_so: Callable[[], Any]) -> Any:
        return await eventually_async(is_so)
