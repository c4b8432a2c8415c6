"""One subscription of a worker to the channel's platform event, for all its conversations.

Every event of the channel comes on one topic, to each client that subscribes: one client for each
conversation would be told everything a thousand times.
"""

from __future__ import annotations

import asyncio
import bisect
import uuid
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, field

from integrations.contract.errors import ConnectorError, InvalidAuthError
from integrations.http.client import HttpClient
from integrations.http.org_access import OrgAccess
from integrations.kit.json_values import Json, count_read
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.salesforce_byoc.client.cometd import (
    ALL_RETAINED,
    NEW_ONLY,
    ClientUnknownError,
    CometdClient,
    PlatformEvent,
    ReplayTooOldError,
)
from integrations.vendors.salesforce_byoc.mapping import Envelope

RECONNECT = ReconnectTiming(first=1.0, factor=1.5, longest=30.0, give_up=240.0)
KEPT = 5000
# Who takes over many conversations asks for all their places at once.
_GATHER_SECONDS = 0.05
_MOST_REFUSALS = 2
Read = Callable[[Json], Envelope | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a conversation has come to: behind an event, or at the beginning of a run."""

    replay_id: int | None = None
    run: str = ""

    @classmethod
    def of(cls, cursor: str, run: str) -> Place:
        """Read a stored cursor; without one, the run in which the conversation began counts."""
        return cls(replay_id=count_read(cursor), run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An event of the topic that was read; `envelope` is None where it does not parse."""

    replay_id: int
    envelope: Envelope | None = field(repr=False)


class EventTopic:
    """Keeps the newest events, and goes back as far as any listener needs.

    `run` names an unbroken time of listening: who began in it needs nothing from before.
    """

    def __init__(
        self,
        http: HttpClient,
        access: OrgAccess,
        *,
        instance_url: str,
        topic: str,
        read: Read,
        timing: ReconnectTiming = RECONNECT,
        kept: int = KEPT,
    ) -> None:
        """Listen to nothing yet; about so many events are kept for who comes later."""
        self._http = http
        self._access = access
        self._instance_url = instance_url
        self._topic = topic
        self._read = read
        self._timing = timing
        self._kept = kept
        self._task: asyncio.Task[None] | None = None
        # How far each listener has come; None while they have had nothing.
        self._positions: dict[object, int | None] = {}
        self._reset(NEW_ONLY)

    def _reset(self, start: int) -> None:
        self.run = uuid.uuid4().hex
        # Behind which event everything has come since the run began.
        self._start = start
        self._received: list[Received] = []
        self._newest: int | None = None
        self._has_evicted = False
        self._failure: ConnectorError | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._goes_back = asyncio.Event()

    async def begin(self) -> Place:
        """Return the place of a conversation that begins now; raises where nobody can listen."""
        await self._require(NEW_ONLY)
        return Place(replay_id=self._newest, run=self.run)

    async def follow(self, keys: Collection[str], place: Place) -> AsyncGenerator[Received, None]:
        """Yield what comes for these keys behind a place; raises when it cannot go on."""
        listener, position = object(), place.replay_id
        self._positions[listener] = position
        try:
            await self._require(self._needed(place))
            while True:
                news = self._news
                for received in self._behind(position):
                    position = received.replay_id
                    if received.envelope and not set(received.envelope.keys).isdisjoint(keys):
                        yield received
                self._positions[listener] = position
                if self._failure is not None:
                    raise self._failure
                if news is self._news:
                    await news.wait()
        finally:
            del self._positions[listener]
            await self.rest()

    async def rest(self) -> None:
        """Stop listening, unless somebody follows; whoever comes next begins where they are."""
        if self._positions or self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._reset(NEW_ONLY)

    def _needed(self, place: Place) -> int:
        if place.replay_id is not None:
            return place.replay_id
        is_of_this_run = place.run == self.run and self._task is not None and not self._has_evicted
        return NEW_ONLY if is_of_this_run else ALL_RETAINED

    async def _require(self, start: int) -> None:
        """Listen from a place on, or from further back where we do already."""
        if self._task is None or self._task.done():
            self._reset(start)
            self._task = asyncio.create_task(self._listen())
        elif not self._covers(start):
            self._start = start
            self._ready.clear()
            self._goes_back.set()
        await self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def _covers(self, start: int) -> bool:
        """Say whether everything behind a place is kept, or will come."""
        if start == NEW_ONLY or (self._start == ALL_RETAINED and not self._has_evicted):
            return True
        if start == ALL_RETAINED:
            return False
        is_numbered = self._start >= 0 and not self._has_evicted
        oldest = self._received[0].replay_id if self._received else None
        floor = self._start if is_numbered else oldest
        return floor is not None and start >= floor

    def _behind(self, position: int | None) -> list[Received]:
        if position is None:
            return list(self._received)
        index = bisect.bisect_right(self._received, position, key=lambda one: one.replay_id)
        return self._received[index:]

    async def _listen(self) -> None:
        """Live through one connection after the other, until it has failed for too long."""
        reconnecting, refusals = Reconnecting(self._timing), 0
        try:
            while True:
                try:
                    await self._connection(reconnecting)
                except InvalidAuthError as error:
                    refusals += 1
                    if refusals > _MOST_REFUSALS:
                        raise
                    await self._access.renewed(await self._access.token())
                    await reconnecting.pause(error)
                except ReplayTooOldError:
                    self._start, self._newest = ALL_RETAINED, None
                except ClientUnknownError:
                    continue  # shake hands again, at once
                except ConnectorError as error:
                    if not error.retryable and not self._ready.is_set():
                        raise
                    await reconnecting.pause(error)
                else:
                    refusals = 0
        except ConnectorError as error:
            self._failure = error
        finally:
            self._ready.set()
            self._tell()

    async def _connection(self, reconnecting: Reconnecting) -> None:
        """Shake hands, subscribe, and poll until somebody needs an older place."""
        token = await self._access.token()
        client = CometdClient(self._http, instance_url=self._instance_url, token=token)
        await client.handshake()
        await client.subscribe(self._topic, self._resume_at())
        reconnecting.connected()
        self._ready.set()
        while True:
            events = await self._poll(client)
            if events is None:
                await asyncio.sleep(_GATHER_SECONDS)
                self._goes_back.clear()
                self._newest, self._received, self._has_evicted = None, [], False
                return
            reconnecting.alive()
            self._keep(events)

    async def _poll(self, client: CometdClient) -> list[PlatformEvent] | None:
        """Return what a poll brought; None when it must begin further back."""
        poll = asyncio.ensure_future(client.connect(self._topic))
        back = asyncio.ensure_future(self._goes_back.wait())
        try:
            await asyncio.wait({poll, back}, return_when=asyncio.FIRST_COMPLETED)
            return None if back.done() else poll.result()
        finally:
            poll.cancel()
            back.cancel()
            await asyncio.gather(poll, back, return_exceptions=True)

    def _resume_at(self) -> int:
        """Return from where to subscribe: behind what has come, else from where it was asked."""
        if self._newest is not None:
            return self._newest
        if self._ready.is_set() and self._start == NEW_ONLY:
            return ALL_RETAINED  # something may have come while nobody listened
        return self._start

    def _keep(self, events: list[PlatformEvent]) -> None:
        for event in events:
            if self._newest is not None and event.replay_id <= self._newest:
                continue
            self._newest = event.replay_id
            envelope = self._read(event.payload)
            if envelope is None:
                self._http.note("event", "malformed")
            self._received.append(Received(replay_id=event.replay_id, envelope=envelope))
        self._evict()
        if events:
            self._tell()

    def _evict(self) -> None:
        """Forget the oldest events, but none that a listener has not had."""
        excess = len(self._received) - self._kept
        positions = self._positions.values()
        if excess <= 0 or None in positions:
            return
        least = min((one for one in positions if one is not None), default=self._newest)
        passed = len(self._received) - len(self._behind(least))
        if (count := min(excess, passed)) > 0:
            self._received = self._received[count:]
            self._has_evicted = True

    def _tell(self) -> None:
        """Wake everybody who follows."""
        news, self._news = self._news, asyncio.Event()
        news.set()
