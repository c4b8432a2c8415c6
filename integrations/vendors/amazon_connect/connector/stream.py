"""Follows one chat over its participant socket: subscribes, beats, renews, catches up."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import as_object, as_text, json_digest
from integrations.kit.plain_json import vendor_json
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.amazon_connect.client.participant import Bearer, ParticipantConnection
from integrations.vendors.amazon_connect.connector.chats import Chats, QueueWatch
from integrations.vendors.amazon_connect.connector.progress import (
    ChatProgress,
    FrameOrder,
    Step,
    in_order,
)
from integrations.vendors.amazon_connect.mapping.events import (
    CHAT_ENDED,
    Item,
    item_from_json,
    item_from_text,
)

CHAT = "aws/chat"
_SUBSCRIBE = "aws/subscribe"
SUBSCRIBE = json.dumps({"topic": _SUBSCRIBE, "content": {"topics": [CHAT]}})
BEAT = json.dumps({"topic": "aws/heartbeat"})
PING = json.dumps({"topic": "aws/ping"})
SUBSCRIBE_TRIES = 5
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `has_failed` means that the connection is of no use any more."""

    topic: str
    content: object = field(repr=False)
    has_failed: bool = False


def frame_from_text(text: str) -> Frame:
    """Read a frame; one that is no JSON has the topic of a chat, and nothing in it."""
    try:
        value = vendor_json(text)
    except ValueError:
        return Frame(CHAT, text)
    frame = as_object(value)
    topic = as_text(frame.get("topic"))
    status = frame.get("statusCode")
    is_lost = isinstance(status, int) and status >= 500
    # The gateway in front of the vendor complains without naming a topic.
    return Frame(topic, frame.get("content"), is_lost or (not topic and "message" in frame))


async def subscribed(socket: VendorSocket, seconds: float) -> None:
    """Subscribe to the chat; raises CannotConnectError when it is not granted in time."""
    try:
        async with asyncio.timeout(seconds):
            for _ in range(SUBSCRIBE_TRIES):
                await socket.send_text(SUBSCRIBE)
                if await _is_granted(socket):
                    return
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        pass
    raise CannotConnectError("socket: no subscription", reason="stream")


async def _is_granted(socket: VendorSocket) -> bool:
    async for text in socket:
        frame = frame_from_text(text)
        if frame.has_failed:
            break
        if frame.topic == _SUBSCRIBE:
            return as_object(frame.content).get("status") == "success"
    raise CannotConnectError("socket: closed before the subscription", reason="stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTiming:
    """Seconds that a socket lives by; tests shorten them."""

    beat: float = 10.0
    idle: float = 25.0  # two answers to heartbeats are missing
    open: float = 10.0
    subscribe: float = 5.0
    lifetime: float = 3540.0  # AWS cuts sockets after an hour
    order: float = 0.15  # how long an item waits for one that it overtook
    queue_first: float = 3.0  # the flow needs a moment to put the chat into a queue
    queue: float = 15.0
    give_up: float = 240.0
    refused: float = 60.0  # how long a refused connection is asked for again
    poll: float = 5.0  # how often the transcript is read when there is no socket
    first_delay: float = 1.0
    max_delay: float = 30.0

    def reconnecting(self, give_up: float) -> Reconnecting:
        """Return a counter of failures that gives up after so many seconds."""
        return Reconnecting(
            ReconnectTiming(first=self.first_delay, longest=self.max_delay, give_up=give_up)
        )


class ChatListener:
    """One listener: from a stored session to the end of the chat."""

    def __init__(
        self,
        session: VendorSession,
        *,
        chats: Chats,
        timing: SocketTiming,
        queue: QueueWatch,
    ) -> None:
        """Take up where `session` was stored."""
        self._chats = chats
        self._timing = timing
        self._queue = queue
        self._progress = ChatProgress(session, chats.memory(session).sent)
        self._losses = timing.reconnecting(timing.give_up)
        self._refusals = timing.reconnecting(timing.refused)
        self._order = FrameOrder(timing.order)
        self._has_agent = asyncio.Event()

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield events until the chat has ended; raises when it cannot go on."""
        beside = [asyncio.create_task(self._queue.run(lambda: self._progress.session))]
        if self._progress.session.state.get("opening"):
            beside.append(asyncio.create_task(self._tell_opening()))
        try:
            async with aclosing(self._connections()) as steps:
                async for step in steps:
                    if self._progress.has_agent:
                        self._has_agent.set()
                    yield step
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _tell_opening(self) -> None:
        """Tell the live agent who joined what was said before; a repeat is harmless."""
        await self._has_agent.wait()
        session = self._progress.session
        tries = self._timing.reconnecting(self._timing.give_up)
        while True:
            try:
                await self._chats.tell_opening(session)
                break
            except (CannotConnectError, RateLimitedError) as error:
                await tries.pause(error)
        self._progress.opening_sent()

    async def _connections(self) -> AsyncGenerator[Step, None]:
        while not self._progress.has_ended:
            try:
                connection = await self._chats.connect(self._progress.session)
                async with aclosing(self._connection_whole(connection)) as steps:
                    async for step in steps:
                        yield step
            except MissingPermissionError as error:
                async with aclosing(self._without_connection(error)) as steps:
                    async for step in steps:
                        yield step
            except (CannotConnectError, RateLimitedError) as error:
                await self._losses.pause(error)

    async def _connection_whole(
        self, connection: ParticipantConnection
    ) -> AsyncGenerator[Step, None]:
        """Live through one socket; what waits for its turn when it breaks has its turn then."""
        trouble: CannotConnectError | None = None
        try:
            async with aclosing(self._connection(connection)) as steps:
                async for step in steps:
                    yield step
        except CannotConnectError as error:
            trouble = error
        for step in await self._applied(self._order.take_all(), connection.bearer):
            yield step
        if trouble and not self._progress.has_ended:
            raise trouble

    async def _connection(self, connection: ParticipantConnection) -> AsyncGenerator[Step, None]:
        """Live through one socket; ends with the chat, or when the socket grows too old."""
        async with self._chats.client.socket(
            connection.socket_url, idle_timeout=self._timing.idle, open_timeout=self._timing.open
        ) as socket:
            await subscribed(socket, self._timing.subscribe)
            for step in await self._catch_up(connection.bearer):
                yield step
            self._losses.connected()
            self._refusals.connected()
            async with aclosing(self._frames(socket)) as frames:
                async for frame in frames:
                    for step in self._take(frame) if frame else self._due():
                        yield step
                    for step in await self._applied(self._order.take_due(), connection.bearer):
                        yield step
                    if self._progress.has_ended:
                        return

    async def _frames(self, socket: VendorSocket) -> AsyncGenerator[Frame | None, None]:
        """Yield each frame, and None when it is time to look at the clock; sends the beats."""
        now = time.monotonic()
        expires_at, beat_at = now + self._timing.lifetime, now
        waiting: asyncio.Task[str | None] | None = None
        try:
            while not self._progress.has_ended:
                if time.monotonic() >= beat_at:
                    await socket.send_text(BEAT)
                    await socket.send_text(PING)
                    beat_at = time.monotonic() + self._timing.beat
                waiting = waiting or asyncio.ensure_future(_next_text(socket))
                wake_at = min(beat_at, expires_at, self._order.due_at)
                await asyncio.wait(
                    (waiting, self._queue.changed),
                    timeout=max(wake_at - time.monotonic(), 0),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if waiting.done():
                    text, waiting = waiting.result(), None
                    if text is None:
                        raise CannotConnectError("socket: closed by Amazon Connect")
                    yield frame_from_text(text)
                elif time.monotonic() >= expires_at:
                    return
                yield None
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    def _take(self, frame: Frame) -> list[Step]:
        if frame.has_failed:
            raise CannotConnectError("socket: Amazon Connect lost the connection behind it")
        if frame.topic != CHAT:
            return []
        item = item_from_text(frame.content)
        if item is None:
            return [self._progress.malformed(f"frame:{json_digest(frame.content)[:24]}")]
        self._order.add(item)
        return []

    async def _applied(self, items: list[Item], bearer: Bearer) -> list[Step]:
        """Apply items; before the end of the chat what else was said, for nothing follows it."""
        if any(item.event == CHAT_ENDED for item in items):
            items = [*await self._last_items(bearer), *items]
        return self._apply_all(items)

    async def _last_items(self, bearer: Bearer) -> list[Item]:
        """Read the end of the transcript; not documented is whether a chat that is over has one."""
        tries = self._timing.reconnecting(self._timing.refused)
        try:
            while True:
                try:
                    return await self._items(bearer)
                except RateLimitedError as error:
                    await tries.pause(error)
        except ConnectorError:
            return []

    def _apply_all(self, items: list[Item]) -> list[Step]:
        steps: list[Step] = []
        for item in in_order(items):
            if not self._progress.has_ended:
                steps += self._progress.apply(item)
        return steps

    def _due(self) -> list[Step]:
        """Return what has happened without a frame that says so."""
        return [(self._progress.session, change) for change in self._queue.take()]

    async def _catch_up(self, bearer: Bearer) -> list[Step]:
        """Read what was said from the mark on: sockets replay nothing.

        What is read comes again, perhaps with receipts or a scanner's verdict that it had not.
        """
        return self._apply_all(await self._items(bearer))

    async def _items(self, bearer: Bearer) -> list[Item]:
        found = await self._transcript(bearer, self._progress.session.cursor)
        return [item for item in map(item_from_json, found) if item is not None]

    async def _transcript(self, bearer: Bearer, cursor: str) -> list[dict[str, object]]:
        try:
            found = await self._chats.client.get_transcript(bearer, after=cursor)
        except RejectedError:
            if not cursor:
                raise
            found = await self._chats.client.get_transcript(bearer, after="")  # it forgot that item
        return [dict(item) for item in found]

    async def _without_connection(
        self, refusal: MissingPermissionError
    ) -> AsyncGenerator[Step, None]:
        """Find out whether a refused chat is over; it may go on with a live agent in it.

        A token that we still have may read the transcript; else the account's keys have to say it.
        """
        found = await self._read_without_connection()
        for step in found or ():
            yield step
        if self._progress.has_ended:
            return
        problem: ConnectorError = CannotConnectError(refusal.message, status=refusal.status)
        try:
            if await self._chats.is_over(self._progress.session):
                yield self._progress.ended()
                return
        except ConnectorError as error:
            problem = error
        if found is None:
            await self._refusals.pause(problem)
        else:
            self._refusals.connected()
            await asyncio.sleep(self._timing.poll)

    async def _read_without_connection(self) -> list[Step] | None:
        """Return what was said, by the token of the last connection; None if it is refused too."""
        bearer = self._chats.kept(self._progress.session)
        try:
            return await self._catch_up(bearer) if bearer else None
        except ConnectorError:
            return None


async def _next_text(socket: VendorSocket) -> str | None:
    return await anext(socket, None)
