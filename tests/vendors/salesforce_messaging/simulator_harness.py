"""An end user's client of the simulated API, written for these tests from the vendor's contract."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BASE = "/iamessage/api/v2"
ORG_ID = "00D8Y0000012abc"
ORG_ID_18 = "00D8Y0000012abcUAA"
DEVELOPER_NAME = "Portal_Handoff"
TOKEN_BODY = {
    "orgId": ORG_ID,
    "esDeveloperName": DEVELOPER_NAME,
    "capabilitiesVersion": "1",
    "platform": "Web",
}
PATIENCE_SECONDS = 40.0


def new_id() -> str:
    return str(uuid.uuid4())


def text_message(text: str, message_id: str | None = None) -> dict[str, Any]:
    return {
        "message": {
            "id": message_id or new_id(),
            "messageType": "StaticContentMessage",
            "staticContent": {"formatType": "Text", "text": text},
        },
        "esDeveloperName": DEVELOPER_NAME,
    }


class CustomerKey:
    """A customer's signing key, as a portal would hold it."""

    kid = "portal-2026-01"
    issuer = "https://portal.example.org"

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def registration(self) -> dict[str, str]:
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"kid": self.kid, "issuer": self.issuer, "public_key_pem": pem.decode()}

    def sign(self, algorithm: str = "RS256", kid: str | None = None, **claims: Any) -> str:
        now = int(time.time())
        payload = {"iss": self.issuer, "sub": "ines-4411", "iat": now, "exp": now + 60, **claims}
        present = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(present, self._key, algorithm=algorithm, headers={"kid": kid or self.kid})


@dataclass
class Event:
    event_id: str
    name: str
    data: str

    @property
    def envelope(self) -> dict[str, Any]:
        return json.loads(self.data)

    @property
    def entry(self) -> dict[str, Any]:
        return self.envelope["conversationEntry"]

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.entry["entryPayload"])

    @property
    def text(self) -> str | None:
        message = self.payload.get("abstractMessage", {})
        return message.get("staticContent", {}).get("text")


@dataclass
class Stream:
    """An open event stream; reads when asked to, and remembers what it read."""

    response: aiohttp.ClientResponse
    events: list[Event] = field(default_factory=list)
    pings: int = 0

    async def _frame(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while True:
            raw = await asyncio.wait_for(self.response.content.readline(), PATIENCE_SECONDS)
            if not raw:
                raise EOFError
            line = raw.decode().rstrip("\n")
            if not line:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value

    async def _read(self) -> Event | None:
        """Return the next event, or None for a ping; raises EOFError at the stream's end."""
        fields = await self._frame()
        if fields["event"] == "ping":
            assert fields == {"event": "ping", "data": "0"}
            self.pings += 1
            return None
        self.events.append(Event(fields["id"], fields["event"], fields["data"]))
        return self.events[-1]

    async def next(self) -> Event:
        event = None
        while event is None:
            event = await self._read()
        return event

    async def until(self, is_wanted: Callable[[Event], bool]) -> Event:
        while True:
            event = await self.next()
            if is_wanted(event):
                return event

    async def until_named(self, name: str) -> Event:
        return await self.until(lambda event: event.name == name)

    async def until_text(self, text: str) -> Event:
        return await self.until(
            lambda event: event.name == "CONVERSATION_MESSAGE" and event.text == text
        )

    async def until_pings(self, count: int) -> None:
        while self.pings < count:
            await self._read()

    async def read_to_end(self) -> list[Event]:
        try:
            while True:
                await self.next()
        except EOFError:
            return self.events

    @property
    def names(self) -> list[str]:
        return [event.name.removeprefix("CONVERSATION_") for event in self.events]


@dataclass
class EndUser:
    """One end user's client with its token."""

    http: aiohttp.ClientSession
    token: str
    last_event_id: str
    subject: str
    conversation_id: str = field(default_factory=new_id)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def call(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> tuple[int, Any]:
        if body is not None:
            options["json"] = body
        async with self.http.request(
            method, BASE + path, headers=self.headers, **options
        ) as response:
            raw = await response.read()
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            return response.status, json.loads(raw) if is_json else raw

    async def create(self, **more: Any) -> tuple[int, Any]:
        body = {"conversationId": self.conversation_id, "esDeveloperName": DEVELOPER_NAME, **more}
        return await self.call("POST", "/conversation", body)

    async def on(
        self, method: str, path: str = "", body: object = None, **options: Any
    ) -> tuple[int, Any]:
        """Call a path of this end user's conversation."""
        return await self.call(
            method, f"/conversation/{self.conversation_id}{path}", body, **options
        )

    async def say(self, text: str, message_id: str | None = None) -> tuple[int, Any]:
        return await self.on("POST", "/message", text_message(text, message_id))

    async def end_session(self) -> tuple[int, Any]:
        return await self.on("DELETE", "/session", params={"esDeveloperName": DEVELOPER_NAME})

    async def close(self) -> tuple[int, Any]:
        return await self.on("DELETE", params={"esDeveloperName": DEVELOPER_NAME})

    async def entries(self, **query: Any) -> list[dict[str, Any]]:
        status, answer = await self.on("GET", "/entries", params=query)
        assert status == 200, answer
        return answer["conversationEntries"]

    async def open_stream(
        self, last_event_id: str | None = None, **headers: str
    ) -> aiohttp.ClientResponse:
        sent = {"Accept": "text/event-stream", "X-Org-Id": ORG_ID, **self.headers, **headers}
        if last_event_id is not None:
            sent["Last-Event-Id"] = last_event_id
        return await self.http.get("/eventrouter/v1/sse", params={"_ts": "1"}, headers=sent)

    @asynccontextmanager
    async def stream(self, last_event_id: str | None = "") -> AsyncIterator[Stream]:
        """Open a stream from the token's last event id; None sends no id at all."""
        wanted = self.last_event_id if last_event_id == "" else last_event_id
        response = await self.open_stream(wanted)
        assert response.status == 200
        try:
            yield Stream(response)
        finally:
            response.close()


async def request_token(
    http: aiohttp.ClientSession, kind: str = "unauthenticated", **body: Any
) -> tuple[int, Any]:
    path = f"{BASE}/authorization/{kind}/access-token"
    async with http.post(path, json={**TOKEN_BODY, **body}) as response:
        return response.status, await response.json()


async def anonymous(http: aiohttp.ClientSession) -> EndUser:
    status, answer = await request_token(http)
    assert status == 200
    return _end_user(http, answer)


async def verified(http: aiohttp.ClientSession, identity_token: str) -> EndUser:
    status, answer = await request_token(
        http, "authenticated", authorizationType="JWT", customerIdentityToken=identity_token
    )
    assert status == 200, answer
    return _end_user(http, answer)


def _end_user(http: aiohttp.ClientSession, answer: dict[str, Any]) -> EndUser:
    subject = answer["context"]["endUser"]["subject"]
    return EndUser(http, answer["accessToken"], answer["lastEventId"], subject)
