"""A small stand-in for Talkdesk's Digital Connect, as strict as its page (B2 to B5)."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

CLIENT_ID, CLIENT_SECRET, TOUCHPOINT = "client-1", "client-secret-1", "tp-portal-01"
BEARER = "what-the-touchpoint-sends"
CLIENT = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
TOKEN_SECONDS = 600
_START = {"touchpoint_id", "subject", "contact_person", "context_parameters", "previous_messages"}
_MESSAGE = {"content", "attachments"}
Body = dict[str, Any]


@dataclass
class Conversation:
    """One conversation there."""

    opened: Body
    said: list[str] = field(default_factory=list)
    is_over: bool = False


class RefusedError(Exception):
    """A call is refused, in Talkdesk's words."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        body = {"code": code, "message": code, "description": "", "fields": []}
        self.answer = web.json_response(body, status=status)


class Talkdesk:
    """Takes calls with a token that it gave; what live agents do is posted to `webhook`."""

    def __init__(self) -> None:
        self.webhook = ""
        self.conversations: dict[str, Conversation] = {}
        self.tokens: set[str] = set()
        self.tokens_given = 0
        self._ids = itertools.count(1)
        self._answers: dict[str, tuple[Body, Body]] = {}
        app = web.Application(middlewares=[_answer])
        app.router.add_post("/oauth/token", self._token)
        app.router.add_post("/digital-connect/conversations", self._start)
        app.router.add_post("/digital-connect/conversations/{id}/messages", self._message)
        self.server = TestServer(app)

    def environment(self) -> dict[str, str]:
        """Return what the example must know of this Talkdesk."""
        url = str(self.server.make_url("")).rstrip("/")
        return {
            "TALKDESK_API": url,
            "TALKDESK_TOKEN_URL": f"{url}/oauth/token",
            "TALKDESK_CLIENT_ID": CLIENT_ID,
            "TALKDESK_CLIENT_SECRET": CLIENT_SECRET,
            "TALKDESK_TOUCHPOINT": TOUCHPOINT,
            "TALKDESK_BEARER": BEARER,
        }

    # ---- its live agents ----

    async def says(self, payload: Body) -> None:
        """Post a message of the one conversation there is."""
        await self.posts("MESSAGE_CREATED", payload)

    async def ends(self) -> None:
        """Let the one conversation there is be over."""
        self.conversation.is_over = True
        await self.posts("CONVERSATION_ENDED", {})

    async def posts(
        self, kind: str, payload: Body, bearer: str = BEARER, status: int = 200
    ) -> None:
        """Call the touchpoint's webhook, which must answer with this status."""
        event = {
            "event_type": kind,
            "conversation_id": next(iter(self.conversations)),
            "timestamp": "2026-01-05T08:01:00.000Z",
            "payload": payload,
        }
        headers = {"Authorization": f"Bearer {bearer}"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.webhook, json=event, headers=headers) as answer,
        ):
            assert answer.status == status

    @property
    def conversation(self) -> Conversation:
        """The one there is."""
        [found] = self.conversations.values()
        return found

    # ---- its API ----

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        wanted = {"grant_type": "client_credentials", "scope": "digital-connect:write"}
        if request.headers["Authorization"] != CLIENT or dict(form) != wanted:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens_given += 1
        token = f"token-{self.tokens_given}"
        self.tokens.add(token)
        return web.json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        )

    async def _start(self, request: web.Request) -> web.Response:
        body = await self._body(request, _START)
        if body.get("touchpoint_id") != TOUCHPOINT:
            raise RefusedError(404, "touchpoint_not_found")
        for line in body.get("previous_messages", []):
            if line["type"] not in ("EXTERNAL", "USER") or not line["created_at"].endswith(
                "+00:00"
            ):
                raise RefusedError(400, "previous_messages")
        return self._once(request, body, lambda: self._opened(body))

    def _opened(self, body: Body) -> Body:
        name = f"dc-{next(self._ids)}"
        self.conversations[name] = Conversation(opened=body)
        return {"id": name}

    async def _message(self, request: web.Request) -> web.Response:
        body, name = await self._body(request, _MESSAGE), request.match_info["id"]
        found = self.conversations.get(name)
        if found is None or found.is_over:
            raise RefusedError(404, "conversation_not_found")
        if not isinstance(body.get("content"), str) or not body["content"]:
            raise RefusedError(400, "content")
        return self._once(request, body, lambda: self._said(name, found, body["content"]))

    def _said(self, name: str, found: Conversation, text: str) -> Body:
        found.said.append(text)
        created_at = "2026-01-05T08:01:00.000Z"
        return {"id": name, "created_at": created_at, "message_id": f"m-{next(self._ids)}"}

    async def _body(self, request: web.Request, known: set[str]) -> Body:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise RefusedError(401, "unauthorized")
        if request.content_type != "application/json" or "x-idempotency-key" not in request.headers:
            raise RefusedError(400, "headers")
        body: Body = json.loads(await request.read())
        if set(body) - known:
            raise RefusedError(400, "unknown_field")
        return body

    def _once(self, request: web.Request, body: Body, do: Any) -> web.Response:
        """Answer a repeat as the first time; another body under the same key is refused."""
        key = request.headers["x-idempotency-key"]
        if key in self._answers and self._answers[key][0] != body:
            raise RefusedError(409, "idempotency_key_reused")
        if key not in self._answers:
            self._answers[key] = (body, do())
        return web.json_response(self._answers[key][1], status=201)


@web.middleware
async def _answer(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answered: web.StreamResponse = await handler(request)
    except RefusedError as error:
        return error.answer
    return answered
