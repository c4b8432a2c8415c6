"""/ws/agent: a project's agent hears what webhooks tell, on a socket that an API key opens."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from conversations.api.access import key_refusals, key_use_count
from conversations.api.errors import RefusedError
from conversations.event_loop.executor import run_sync, work_account
from conversations.journal.publish import group_join, group_leave, stream_group
from conversations.socket.handshake import (
    handshake_refuse,
    socket_counted,
    socket_gone,
    sockets_seen,
)
from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.stream import (
    CursorUnknownError,
    StreamLine,
    StreamStart,
    cursor_text,
    stream_noted,
    stream_read,
    stream_start,
)
from integrations.entry.client_address import address_counted
from integrations.entry.keys import ApiKeyForbiddenError, ApiKeyUnknownError, api_key_open
from integrations.models import ApiKey, Environment

logger = logging.getLogger(__name__)
HANDSHAKES_PER_MINUTE = 60
KEY_REFUSED = 4401
# How often a socket looks whether its key still works, and says that it lives.
KEY_SECONDS = 30.0
_AT_ONCE = 100
_NAMES = frozenset({"cursor", "events", "client_env"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a client asks to hear; empty is everything."""

    cursor: str
    events: frozenset[str]
    environment: str

    def takes(self, line: StreamLine) -> bool:
        """Say whether a line is among it."""
        is_kind = not self.events or line.type in self.events
        return is_kind and self.environment in ("", line.environment)


class AgentConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of a project's agent; all it holds is how far it has sent."""

    start: StreamStart | None = None
    serving: asyncio.Task[None] | None = None
    is_grouped = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; however it ends, nothing of it stays in this process."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.serving is not None:
                self.serving.cancel()
            if self.start is not None:
                await asyncio.shield(asyncio.create_task(self._forget()))

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler; Channels would first visit a thread, and there is nothing to do."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Check the key, tell where the stream begins, and send what comes after."""
        self.socket_id = str(uuid.uuid4())
        self.has_news = asyncio.Event()
        try:
            self.wanted = wanted_read(self.scope)
            self.start = await run_sync(self._admit)
        except RefusedError as error:
            await handshake_refuse(self, error)
            return
        self.stream, self.position = self.start.stream, self.start.position
        work_account.set(f"project:{self.stream.project_id}")
        await self.accept()
        self.is_grouped = await self._join_group()
        await self._show(self._opened(self.start))
        self.serving = asyncio.create_task(self._serve())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a heartbeat, and refuse the rest: an agent acts by REST."""
        if _type_of(text_data) == "heartbeat":
            await self._show({"type": "heartbeat", "cursor": self._cursor()})
            return
        told = 'A client sends {"type": "heartbeat"} and nothing else; it acts by REST.'
        await self._show({"type": "error", "error_code": "UNKNOWN_FRAME", "error_message": told})

    async def stream_grown(self, message: Mapping[str, Any]) -> None:
        """Look for what the channel layer says is there."""
        self.has_news.set()

    # ---- sending ----

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        try:
            while True:
                is_more = await self._send_next()
                if loop.time() - checked_at >= KEY_SECONDS:
                    checked_at = loop.time()
                    if not await self._may_go_on():
                        await self.close(code=KEY_REFUSED)
                        return
                if not is_more:
                    await self._news()
        except OSError:
            return  # the client is gone

    async def _may_go_on(self) -> bool:
        """Say whether the key still works; where nobody can tell now, it is asked again later."""
        try:
            return await run_sync(self._is_still_admitted)
        except DatabaseError as error:
            logger.warning("An agent's key cannot be looked at: %s", type(error).__name__)
            return True

    async def _send_next(self) -> bool:
        """Send some; say whether there may be more at once."""
        try:
            lines = await run_sync(stream_read, self.stream, self.position, _AT_ONCE)
        except DatabaseError as error:
            logger.warning("An agent's events cannot be read: %s", type(error).__name__)
            return False
        for line in lines:
            self.position = line.position
            if line.body is not None and self.wanted.takes(line):
                await self._show({"cursor": self._cursor(), **json.loads(line.body)})
        return len(lines) == _AT_ONCE

    async def _news(self) -> None:
        """Wait for a wake-up; what is lost of them costs seconds and no event."""
        try:
            async with asyncio.timeout(settings.JOURNAL_RECHECK_SECONDS):
                await self.has_news.wait()
        except TimeoutError:
            if not self.is_grouped:
                self.is_grouped = await self._join_group()
        self.has_news.clear()

    async def _show(self, frame: Mapping[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame, ensure_ascii=False))

    def _opened(self, start: StreamStart) -> Mapping[str, Any]:
        return {
            "type": "stream.opened",
            "cursor": self._cursor(),
            "project_id": start.stream.project.public_id,
            "has_missed": start.has_missed,
        }

    def _cursor(self) -> str:
        return cursor_text(self.stream, self.position)

    # ---- the key ----

    def _admit(self) -> StreamStart:
        """Return where to begin; raises RefusedError."""
        raw = _header(self.scope, b"x-api-key")
        if not raw:
            raise RefusedError(401, "UNAUTHORIZED", "Send an API key in the header x-api-key.")
        with key_refusals(address_counted((self.scope.get("client") or [""])[0])):
            key = api_key_open(raw, ApiKey.Permission.CHAT)
        key_use_count(key, "agent-socket", HANDSHAKES_PER_MINUTE)
        try:
            start = stream_start(key.project, self.wanted.cursor)
        except CursorUnknownError as error:
            raise RefusedError(400, "INVALID_REQUEST", str(error)) from error
        self.stream = start.stream
        if not socket_counted(self._counted_as(), self.socket_id):
            limit = settings.SOCKETS_PER_SESSION
            told = f"The project's agent already has {limit} open sockets."
            raise RefusedError(429, "RATE_LIMITED", told)
        return start

    def _is_still_admitted(self) -> bool:
        try:
            api_key_open(_header(self.scope, b"x-api-key"), ApiKey.Permission.CHAT)
        except (ApiKeyUnknownError, ApiKeyForbiddenError):
            return False
        sockets_seen([(self._counted_as(), self.socket_id)])
        stream_noted(self.stream)
        return True

    def _counted_as(self) -> str:
        return f"agent.{self.stream.pk}"

    # ---- the channel layer ----

    async def _join_group(self) -> bool:
        return await group_join(self.channel_layer, stream_group(self.stream.pk), self.channel_name)

    async def _forget(self) -> None:
        """Stop counting the socket."""
        if self.is_grouped:
            group = stream_group(self.stream.pk)
            await group_leave(self.channel_layer, group, self.channel_name)
        await run_sync(socket_gone, self._counted_as(), self.socket_id)


def wanted_read(scope: Mapping[str, Any]) -> Wanted:
    """Return what a handshake asks for; raises RefusedError, which names the parameter."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if unknown := sorted(query.keys() - _NAMES):
        raise _bad(
            f"There is no parameter {unknown[0][:60]}. There are {', '.join(sorted(_NAMES))}."
        )
    given = {name: values[-1] for name, values in query.items()}
    events = frozenset(filter(None, given.get("events", "").split(",")))
    if unknown := sorted(events - set(WebhookType.values)):
        raise _bad(
            f"events: there is no {unknown[0][:60]}. Choose of {', '.join(WebhookType.values)}."
        )
    environment = given.get("client_env", "")
    if environment and environment not in Environment.values:
        raise _bad(f"client_env is one of {', '.join(Environment.values)}.")
    return Wanted(cursor=given.get("cursor", ""), events=events, environment=environment)


def _bad(text: str) -> RefusedError:
    return RefusedError(400, "INVALID_REQUEST", text)


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    given: bytes = dict(scope["headers"]).get(name, b"")
    return given.decode("latin-1").strip()


def _type_of(text: str | None) -> object:
    try:
        frame = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return frame.get("type") if isinstance(frame, dict) else None
