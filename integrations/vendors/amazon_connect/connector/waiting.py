"""What the end user can be told while nobody has come: place in the queue, expected wait."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.events import QueuePositionChanged

POSITION, WAIT = "POSITION_IN_QUEUE", "ESTIMATED_WAIT_TIME"
METRICS = (POSITION, WAIT)
# An account has 2 of such calls a second for all that it does; half of them are left to others.
_SHARED_SECONDS = 1.0
_GROWTH_WHEN_LIMITED = 4

Ask = Callable[[VendorSession], Awaitable[Mapping[str, float]]]


class SharedPace:
    """Spaces the questions of all sessions of an integration in this process."""

    def __init__(self) -> None:
        """Allow the first at once."""
        self._next_at = 0.0

    def is_due(self) -> bool:
        """Take the turn if it is free; who comes too early asks next time."""
        now = time.monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + _SHARED_SECONDS
        return True


class QueueWatch:
    """Asks where one chat stands until a live agent comes; `changed` is done when there is news."""

    def __init__(self, ask: Ask, pace: SharedPace, *, first: float, every: float) -> None:
        """Take how to ask, and the seconds before the first question and between the others."""
        self.changed = _future()
        self._ask = ask
        self._pace = pace
        self._first = first
        self._every = every
        self._told: tuple[int | None, int | None] = (None, None)
        self._news: list[QueuePositionChanged] = []

    async def run(self, session: Callable[[], VendorSession]) -> None:
        """Watch until somebody has joined, or for as long as AWS lets us."""
        delay = self._first
        while not session().state.get("had_agent"):
            # Not all at the same moment, or the same chats would win the turn each time.
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
            delay = self._every
            if not self._pace.is_due():
                continue
            try:
                self._tell(session(), await self._ask(session()))
            except RateLimitedError as error:
                delay = error.retry_after or self._every * _GROWTH_WHEN_LIMITED
            except (CannotConnectError, RejectedError):
                continue  # not in a queue yet or any more, or AWS is not well
            except ConnectorError:
                return  # the role may not ask

    def take(self) -> list[QueuePositionChanged]:
        """Return the news since the last time."""
        news, self._news = self._news, []
        if news:
            self.changed = _future()
        return news

    def _tell(self, session: VendorSession, metrics: Mapping[str, float]) -> None:
        known = _whole(metrics.get(POSITION), least=1), _whole(metrics.get(WAIT), least=0)
        if known in (self._told, (None, None)):
            return
        self._told = known
        now, chat = datetime.now(UTC), session.vendor_conversation_id
        change = QueuePositionChanged(
            vendor_event_id=f"{chat}:queue:{now.isoformat()}",
            vendor_conversation_id=chat,
            occurred_at=now,
            position=known[0],
            estimated_wait_seconds=known[1],
        )
        self._news.append(change)
        if not self.changed.done():
            self.changed.set_result(None)


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _whole(value: float | None, *, least: int) -> int | None:
    if value is None or not math.isfinite(value) or round(value) < least:
        return None
    return round(value)
