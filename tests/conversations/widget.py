"""A widget in a test: the sockets that one end user's browser opens."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

from channels.testing import WebsocketCommunicator

from config.asgi import application
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.models import Conversation, Event
from tests import factories
from tests.documented_frames import frame_checked
from tests.waiting import database_threads_rest

PATIENCE_SECONDS = 40.0
Frame = dict[str, Any]


class Client:
    """One socket of a widget, in process."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self._communicator = communicator

    async def send(self, kind: str, payload: Any = None, **custom: str) -> None:
        frame: Frame = {"type": f"EVENT_TYPE_{kind}", "payload": payload or {}}
        if custom:
            frame["metadata"] = {"custom": custom}
        await self.send_text(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        await self._communicator.send_to(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        await self._communicator.send_to(bytes_data=data)

    async def next(self, seconds: float = PATIENCE_SECONDS) -> Frame:
        return frame_checked(json.loads(await self._communicator.receive_from(timeout=seconds)))

    async def until(self, kind: str, seconds: float = PATIENCE_SECONDS) -> Frame:
        """Return the next frame of a kind, skipping others."""
        deadline = time.monotonic() + seconds
        while (frame := await self.next(max(0.01, deadline - time.monotonic())))["type"] != (
            f"EVENT_TYPE_{kind}"
        ):
            pass
        return frame

    async def events(self, until_sequence: int) -> list[Frame]:
        """Return the journaled frames up to a sequence, as they come."""
        found: list[Frame] = []
        while not found or found[-1]["sequence"] < until_sequence:
            frame = await self.next()
            if frame["sequence"] is not None:
                found.append(frame)
        return found

    async def is_alive(self) -> bool:
        mark = str(uuid.uuid4())
        await self.send("HEARTBEAT", mark=mark)
        while (await self.until("HEARTBEAT")).get("metadata") != {"custom": {"mark": mark}}:
            pass
        return True

    def has_frame(self) -> bool:
        return not self._communicator.output_queue.empty()

    async def close(self) -> None:
        with suppress(asyncio.CancelledError, TimeoutError):
            await self._communicator.disconnect(timeout=PATIENCE_SECONDS)


class Widget:
    """Everything one end user's browser may open for one conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.token = factories.access_token(conversation)
        self._clients: list[Client] = []

    def path(self, *, cursor: str | None = None, **query: str) -> str:
        given = {"session_id": str(self.conversation.session_id), "access_token": self.token}
        given |= query | ({} if cursor is None else {"cursor": cursor})
        return "/ws?" + "&".join(f"{key}={quote(value)}" for key, value in given.items() if value)

    async def connect(self, *, cursor: str | None = None, origin: str = "") -> Client:
        headers = [(b"origin", origin.encode())] if origin else []
        communicator = WebsocketCommunicator(application, self.path(cursor=cursor), headers)
        is_accepted, _ = await communicator.connect(timeout=PATIENCE_SECONDS)
        assert is_accepted
        self._clients.append(Client(communicator))
        return self._clients[-1]

    async def open(self, *, cursor: str | None = None) -> Client:
        """Connect and skip the batch."""
        client = await self.connect(cursor=cursor)
        await client.until("EVENT_BATCH")
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await database_threads_rest()


async def write_elsewhere(conversation: Conversation, text: str) -> Event:
    """Append a line as another process would, with the wake-up that follows the commit."""
    return await run_sync(factories.said, conversation, text, EventType.POLY_AGENT_MESSAGE)


@asynccontextmanager
async def widget_of(make: Callable[[], Conversation]) -> AsyncIterator[Widget]:
    made = await run_sync(lambda: Widget(make()))
    yield made
    await made.close()
