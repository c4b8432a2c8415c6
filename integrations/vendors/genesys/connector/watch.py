"""Follows who is present in one conversation: told by the socket, and asking by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RateLimitedError,
    UnexpectedResponseError,
)
from integrations.contract.events import LiveAgentTyping, VendorEvent
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.client.budget import CallBudget
from integrations.vendors.genesys.connector.channel import NotificationChannel
from integrations.vendors.genesys.connector.history import History
from integrations.vendors.genesys.connector.memory import Memory
from integrations.vendors.genesys.connector.people import People
from integrations.vendors.genesys.connector.timing import GenesysTiming
from integrations.vendors.genesys.connector.waiting import Waiting
from integrations.vendors.genesys.mapping.presence import (
    Participant,
    Presence,
    agent_of,
    ended_leg,
    participants_of,
    said_to_end_user,
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
        *,
        client: GenesysClient,
        history: History,
        people: People,
        budget: CallBudget,
        channel: NotificationChannel | None,
        timing: GenesysTiming,
        memory: Memory,
        session: VendorSession,
    ) -> None:
        """Share the connector's parts; without `channel` there is only asking."""
        self._client = client
        self._history = history
        self._people = people
        self._budget = budget
        self._channel = channel
        self._timing = timing
        self._memory = memory
        self._conversation_id = session.vendor_conversation_id
        self._presence = Presence(self._conversation_id)
        self._waiting = Waiting(client, budget, self._conversation_id)
        self._next_look = 0.0
        if memory.is_fresh:
            memory.is_fresh = False
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
                found = self._typing_over()
                if self._seconds_until_look() <= 0:
                    signals.is_news = signals.is_unsure = False
                    found += await self._look()
                for event in found:
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
        seconds = self._seconds_until_look()
        if self._memory.typing is not None:
            seconds = min(seconds, self._memory.typing.until - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._memory.signals.wake.wait()

    def _typing_over(self) -> list[VendorEvent]:
        typing = self._memory.typing
        if typing is None or time.monotonic() < typing.until:
            return []
        self._memory.typing = None
        over = LiveAgentTyping(
            vendor_event_id=f"{typing.event_id}:over",
            vendor_conversation_id=self._conversation_id,
            occurred_at=datetime.now(UTC),
            agent_id=typing.agent_id,
            is_typing=False,
        )
        return [over]

    # ---- asking ----

    async def _look(self) -> list[VendorEvent]:
        """Ask Genesys for the conversation and return what is news in it."""
        try:
            conversation = await self._client.conversation(self._conversation_id)
            participants = await self._people.named(participants_of(conversation))
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
        self._memory.agent = agent_of(participants) if self._presence.is_attended else None
        self._plan(participants)
        return events + await self._waiting.events(participants)

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
            events = await self._history.told_by(self._conversation_id, authors)
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
        timing = self._timing
        delay = min(timing.first_delay * 2.0**self._failures, timing.max_delay)
        self._failures = min(self._failures + 1, 10)
        self._next_look = time.monotonic() + max(delay, error.retry_after or 0.0)

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


def _age(moment: datetime | None) -> float:
    return (datetime.now(UTC) - moment).total_seconds() if moment else 0.0
