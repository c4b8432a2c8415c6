"""One notification channel and one socket for all conversations of a connector."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RateLimitedError,
)
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.waiting import growing_pause
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.records import GenesysTiming, Signals

MAX_TOPICS = 1000
TOPICS = ("user.start", "user.end", "customer.end")
MAX_CONVERSATIONS = MAX_TOPICS // len(TOPICS)
_PREFIX = "v2.detail.events.conversation."
_CUSTOMER_END = "customer.end"
_CLOSING = "v2.system.socket_closing"
_DEAD = "404"


class NotificationChannel:
    """Wakes the listeners of those conversations that Genesys has news about.

    Whatever fails here only makes listeners ask more often, so nothing is raised to them.
    """

    def __init__(self, client: GenesysClient, timing: GenesysTiming, max_followed: int) -> None:
        """Open nothing before somebody follows a conversation."""
        self._max_followed = max_followed
        self._client = client
        self._timing = timing
        self._followed: dict[str, Signals] = {}
        self._subscribed: set[str] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._channel_id = ""
        self._connect_uri = ""
        self._failures = 0

    @contextmanager
    def following(self, conversation_id: str, signals: Signals) -> Iterator[None]:
        """Have `signals` told about a conversation for the length of a block."""
        self._followed[conversation_id] = signals
        self._changed.set()
        if self._task is None or self._task.done():
            # In a context of its own: its requests belong to no single handoff.
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), context=Context())
        try:
            yield
        finally:
            signals.is_carried = False
            if self._followed.get(conversation_id) is signals:
                del self._followed[conversation_id]
            self._changed.set()

    async def close(self) -> None:
        """Close the socket."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # ---- the socket ----

    async def _run(self) -> None:
        """Keep a connection as long as anybody follows anything."""
        while self._followed:
            delay = 0.0
            try:
                await self._connection()
            except (CannotConnectError, RateLimitedError, ConversationGoneError) as error:
                delay = max(self._next_delay(), error.retry_after or 0.0)
            except ConnectorError:
                # No permission, or an answer we cannot read: not worth asking often.
                delay = self._timing.refused_delay
            finally:
                self._lost()
            await asyncio.sleep(delay)

    async def _connection(self) -> None:
        """Live through one connection; returns when Genesys wants another, or nobody needs it."""
        if not self._connect_uri:
            answer = await self._client.create_channel()
            self._channel_id = as_text(answer.get("id"))
            self._connect_uri = as_text(answer.get("connectUri"))
        silence = self._timing.silence
        try:
            async with self._client.notifications(
                self._connect_uri, idle_timeout=silence
            ) as socket:
                await _first_of(self._read(socket), self._keep_topics())
        except ConnectorError:
            self._connect_uri = ""
            raise

    async def _read(self, socket: VendorSocket) -> None:
        async for text in socket:
            frame = vendor_object(text)
            topic = as_text(frame.get("topicName"))
            if topic == _CLOSING:
                self._connect_uri = ""
                return
            if frame.get("result") == _DEAD:
                raise CannotConnectError("notifications: the channel is gone", reason="stream")
            self._failures = 0
            if topic.startswith(_PREFIX):
                self._pass_on(topic)
        raise CannotConnectError("notifications: the socket was closed", reason="stream")

    def _pass_on(self, topic: str) -> None:
        conversation_id, _, kind = topic.removeprefix(_PREFIX).partition(".")
        signals = self._followed.get(conversation_id)
        if signals is not None:
            signals.has_customer_end = signals.has_customer_end or kind == _CUSTOMER_END
            signals.tell()

    def _lost(self) -> None:
        """Let everybody ask for themselves; news of the gap will never come."""
        self._subscribed.clear()
        for signals in self._followed.values():
            signals.is_carried = False
            signals.wake.set()

    def _next_delay(self) -> float:
        self._failures += 1
        timing = self._timing
        return growing_pause(self._failures, first=timing.first_delay, longest=timing.max_delay)

    # ---- the topics ----

    async def _keep_topics(self) -> None:
        """Subscribe to what is followed, now and whenever that changes."""
        is_new = True
        while self._followed:
            self._changed.clear()
            try:
                await self._subscribe(is_new=is_new)
                is_new = False
            except (CannotConnectError, RateLimitedError) as error:
                self._changed.set()
                await asyncio.sleep(max(self._next_delay(), error.retry_after or 0.0))
            await self._changed.wait()

    async def _subscribe(self, *, is_new: bool) -> None:
        """Bring the topics up to date; Genesys can only add some or replace all of them."""
        wanted = list(self._followed)[: self._max_followed]
        added = [name for name in wanted if name not in self._subscribed]
        is_replacing = is_new or not self._subscribed <= set(wanted)
        if not wanted or not (added or is_replacing):
            return
        answers = await self._client.subscribe(
            self._channel_id,
            conversation_topics(wanted if is_replacing else added),
            is_replacing=is_replacing,
        )
        self._subscribed = set(wanted)
        refused = {as_text(a.get("id")) for a in answers if a.get("state") == "Rejected"}
        for name in added:
            signals = self._followed.get(name)
            if signals is not None:
                signals.is_carried = refused.isdisjoint(conversation_topics([name]))
                # What happened before the subscription is not told.
                signals.ask()


async def _first_of(*work: Coroutine[object, object, None]) -> None:
    """Run all until one is over; raises what that one raised."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def conversation_topics(conversation_ids: Sequence[str]) -> list[str]:
    """Name what is subscribed to for each conversation."""
    return [f"{_PREFIX}{identifier}.{kind}" for identifier in conversation_ids for kind in TOPICS]
