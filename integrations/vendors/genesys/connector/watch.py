"""Follows who is present in one conversation: told by the socket, and asking by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RateLimitedError,
    UnexpectedResponseError,
)
from integrations.contract.events import QueuePositionChanged, VendorEvent
from integrations.kit.waiting import growing_pause
from integrations.vendors.genesys.client import CallBudget
from integrations.vendors.genesys.connector.channel import NotificationChannel
from integrations.vendors.genesys.connector.records import GenesysTiming, Records
from integrations.vendors.genesys.mapping.presence import (
    Participant,
    Presence,
    Queue,
    ended_leg,
    only_agent,
    said_to_end_user,
    waiting_queue,
)

_PASSING = (CannotConnectError, RateLimitedError, UnexpectedResponseError)
# A conversation may be announced before it can be read.
_PATIENCE_WITH_GONE = 5
_TRIES_FOR_HISTORY = 3


class ConversationWatch:
    """One listener: from wherever a conversation is to its end.

    It keeps nothing in the session: the conversation itself tells all that has happened, under the
    same event ids each time.
    """

    def __init__(
        self,
        conversation_id: str,
        *,
        records: Records,
        budget: CallBudget,
        channel: NotificationChannel | None,
        timing: GenesysTiming,
        learn: Callable[[str], Awaitable[None]],
    ) -> None:
        """Share the connector's parts; without `channel` there is only asking.

        `learn` is told the queue in which the conversation waits.
        """
        self._conversation_id = conversation_id
        self._memory = records.memory(conversation_id)
        self._records = records
        self._budget = budget
        self._channel = channel
        self._timing = timing
        self._learn = learn
        self._learnt = ""
        self._presence = Presence(conversation_id)
        self._wait: tuple[str, int | None] = ("", None)
        self._may_ask_for_wait = True
        self._next_look = 0.0
        if self._memory.is_fresh:
            self._memory.is_fresh = False
            self._next_look = time.monotonic() + timing.poll_alone
        self._failures = 0
        self._told: set[str] = set()
        self._is_offered = False
        self._was_between = False
        self._has_rechecked_end = False

    async def events(self) -> AsyncGenerator[VendorEvent, None]:
        """Yield until the conversation has ended; raises when Genesys will not tell."""
        signals = self._memory.signals
        following = (
            self._channel.following(self._conversation_id, signals)
            if self._channel
            else nullcontext()
        )
        with following:
            while not self._presence.has_ended:
                signals.wake.clear()
                if self._seconds_until_look() <= 0:
                    signals.is_news = signals.is_unsure = False
                    for event in await self._look():
                        yield event
                if not self._presence.has_ended:
                    await self._rest()

    def _seconds_until_look(self) -> float:
        """Return how long to wait for the moment to ask, and for room among other requests."""
        signals, budget = self._memory.signals, self._budget
        if signals.is_news:
            return budget.seconds_until_room(is_urgent=True)
        seconds = 0.0 if signals.is_unsure else self._due - time.monotonic()
        return max(seconds, budget.seconds_until_room())

    @property
    def _due(self) -> float:
        """Return when to ask again: later than planned while the socket tells and all is calm."""
        signals = self._memory.signals
        is_calm = not (
            self._failures or self._is_offered or self._was_between or signals.has_customer_end
        )
        if not (signals.is_carried and is_calm):
            return self._next_look
        return self._next_look + self._timing.poll - self._timing.poll_alone

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self._seconds_until_look(), 0.0)):
                await self._memory.signals.wake.wait()

    # ---- asking ----

    async def _look(self) -> list[VendorEvent]:
        """Ask Genesys for the conversation and return what is news in it."""
        try:
            participants = await self._records.participants(self._conversation_id)
            is_over = self._is_over(participants)
            missed = await self._missed(participants, is_over=is_over)
        except ConversationGoneError as error:
            self._failed(error, give_up=self._failures >= _PATIENCE_WITH_GONE)
            return []
        except _PASSING as error:
            self._failed(error, give_up=False)
            return []
        self._failures = 0
        events = self._presence.apply(participants)
        events = sorted([*events, *missed], key=lambda event: event.occurred_at)
        if is_over:
            return events + self._presence.ended(participants)
        self._memory.agent = only_agent(participants)
        self._plan(participants)
        queue = waiting_queue(participants)
        if queue is not None and queue.identifier != self._learnt:
            self._learnt = queue.identifier
            await self._learn(queue.identifier)
        return events + await self._wait_changed(queue)

    def _is_over(self, participants: list[Participant]) -> bool:
        """Believe the conversation; the socket alone only after asking twice."""
        if ended_leg(participants) is not None:
            return True
        if not self._memory.signals.has_customer_end:
            return False
        is_second_time, self._has_rechecked_end = self._has_rechecked_end, True
        return is_second_time

    async def _missed(self, participants: list[Participant], *, is_over: bool) -> list[VendorEvent]:
        """Fetch what no webhook has brought in all the time that Genesys repeats them."""
        min_age = 0.0 if is_over else self._timing.webhooks_given_up
        authors = {
            message_id: participant
            for message_id, at, participant in said_to_end_user(participants)
            if not self._is_known(message_id) and _age(at) >= min_age
        }
        try:
            events = await self._records.said(self._conversation_id, authors)
        except _PASSING:
            if not is_over or self._failures + 1 < _TRIES_FOR_HISTORY:
                raise
            return []
        self._told.update(authors)
        return events

    def _is_known(self, message_id: str) -> bool:
        return message_id in self._told or message_id in self._memory.seen

    def _failed(self, error: ConnectorError, *, give_up: bool) -> None:
        if give_up:
            raise error
        self._failures += 1
        timing = self._timing
        pause = growing_pause(self._failures, first=timing.first_delay, longest=timing.max_delay)
        self._next_look = time.monotonic() + max(pause, error.retry_after or 0.0)

    def _plan(self, participants: list[Participant]) -> None:
        timing, is_between = self._timing, self._presence.is_between_agents
        self._is_offered = any(item.is_agent and item.is_coming for item in participants)
        if self._memory.signals.has_customer_end:
            delay = timing.lag
        elif self._is_offered:
            delay = timing.poll_offered
        elif is_between and not self._was_between:
            delay = timing.settle  # a departure may be the first half of an end
        else:
            delay = timing.poll_alone
        self._was_between = is_between
        self._next_look = time.monotonic() + delay

    # ---- while nobody has come ----

    async def _wait_changed(self, queue: Queue | None) -> list[VendorEvent]:
        """Return queue and wait if they are not what was told before, where requests are to spare.

        A queue that may not be asked about is asked once.
        """
        if queue is None or self._budget.is_tight or not self._may_ask_for_wait:
            return []
        known = (queue.name, await self._seconds_in(queue.identifier))
        if known == self._wait:
            return []
        self._wait, now = known, datetime.now(UTC)
        change = QueuePositionChanged(
            vendor_event_id=f"{self._conversation_id}:wait:{now.isoformat()}",
            vendor_conversation_id=self._conversation_id,
            occurred_at=now,
            estimated_wait_seconds=known[1],
            queue_name=known[0],
        )
        return [change]

    async def _seconds_in(self, queue_id: str) -> int | None:
        try:
            return await self._records.estimated_wait(queue_id)
        except RateLimitedError:
            return self._wait[1]
        except ConnectorError:
            self._may_ask_for_wait = False
            return None


def _age(moment: datetime | None) -> float:
    return (datetime.now(UTC) - moment).total_seconds() if moment else 0.0
