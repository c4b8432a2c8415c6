"""How long to wait: pauses that grow with jitter, between connections and after refusals."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from integrations.contract.errors import ConnectorError, RateLimitedError

_MOST_DOUBLINGS = 16
# How old the news from other workers may be: not every call asks for it.
_NEWS_SECONDS = 1.0


def growing_pause(failures: int, *, first: float, longest: float, factor: float = 2.0) -> float:
    """Return the seconds to wait after so many failures in a row, at least one.

    It grows by `factor` up to `longest`, and jitter takes up to half of it away, so that not all
    come back at the same moment.
    """
    grown = first * factor ** min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return min(grown, longest) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectTiming:
    """Seconds: the first pause, the longest one, and for how long to try at all."""

    first: float
    longest: float
    give_up: float
    factor: float = 2.0


class Reconnecting:
    """Counts the failures of one listener: no pause at first, then growing ones, then the end."""

    def __init__(self, timing: ReconnectTiming) -> None:
        """Count from now until the first connection."""
        self._timing = timing
        self._first = timing.first
        self._failures = 0
        self._lost_at: float | None = time.monotonic()
        self._connected_at: float | None = None

    def connected(self) -> None:
        """Note that a connection stands."""
        self._lost_at = None
        self._connected_at = time.monotonic()

    def alive(self, retry_seconds: float | None = None) -> None:
        """Note that it brought something, with the pause that the vendor asked for, if any."""
        self._failures = 0
        if retry_seconds is not None:
            self._first = retry_seconds

    async def pause(self, error: ConnectorError) -> None:
        """Wait before the next try; raises the error when it has lasted too long."""
        now = time.monotonic()
        if self._connected_at is not None and now - self._connected_at > self._timing.longest:
            self._failures = 0  # that one held: this is a new trouble
        self._connected_at = None
        self._lost_at = self._lost_at or now
        if now - self._lost_at > self._timing.give_up:
            raise error
        await asyncio.sleep(max(self._delay(), error.retry_after or 0.0))

    def _delay(self) -> float:
        self._failures += 1
        if self._failures == 1:
            return 0.0
        timing = self._timing
        return growing_pause(
            self._failures - 1, first=self._first, longest=timing.longest, factor=timing.factor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTiming:
    """Seconds: the first pause, the longest one, and how long a call waits in place."""

    first: float = 1.0
    longest: float = 60.0
    in_place: float = 3.0


class PauseStore(Protocol):
    """Pauses that all workers keep together. Must never raise, nor keep a caller waiting.

    Where it is away there are no pauses: each worker then knows of its own refusals.
    """

    async def seconds_left(self, name: str) -> float:
        """Return how long a pause goes on; 0 where there is none."""

    async def hold(self, name: str, seconds: float) -> None:
        """Keep a pause; one that lasts longer already stays as it is."""


@dataclass(slots=True)
class _Held:
    until: float = 0.0
    refusals: int = 0
    asked_at: float = float("-inf")


class RateBudget:
    """Holds calls back after a refusal (429), for all sessions of a connection in this process.

    `kind` keeps apart what the vendor counts apart; left empty, everything is counted together.
    With a store, a pause that one worker notes holds the others of the same account as well.
    """

    def __init__(
        self,
        timing: RateTiming,
        *,
        account: str = "",
        store: PauseStore | None = None,
        other_limits: tuple[str, ...] = (),
    ) -> None:
        """Start with nothing held back; `account` is the vendor's own name for it, no secret.

        `other_limits` are the vendor's codes for refusals that slower calls would meet as well.
        """
        self._timing = timing
        self._other_limits = other_limits
        self._account = account
        self._store = store if account else None
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def call(self, operation: str, kind: str = "") -> AsyncIterator[None]:
        """Admit the call made inside, and note what becomes of it; a refusal says how long."""
        await self.admit(operation, kind)
        try:
            yield
        except RateLimitedError as error:
            if error.vendor_code in self._other_limits:
                raise
            error.retry_after = self.refused(error.retry_after, kind)
            if self._store is not None:
                await self._store.hold(self._name(kind), error.retry_after)
            raise
        self.accepted(kind)

    def is_held_back(self, kind: str = "") -> bool:
        """Say whether a call would have to wait; what is not important is better dropped then."""
        return self._of(kind).until > time.monotonic()

    def seconds_left(self, kind: str = "") -> float:
        """Return for how long calls are held back; 0 where they are not."""
        return max(self._of(kind).until - time.monotonic(), 0.0)

    async def admit(self, operation: str, kind: str = "") -> None:
        """Wait out a short pause; raises RateLimitedError during a long one."""
        await self._ask(kind)
        remaining = self._of(kind).until - time.monotonic()
        if remaining > self._timing.in_place:
            raise RateLimitedError(f"{operation}: held back", retry_after=remaining)
        if remaining > 0:
            # Not all at the same moment again.
            await asyncio.sleep(remaining * random.uniform(1.0, 1.5))  # noqa: S311 - jitter

    def refused(self, retry_after: float | None, kind: str = "") -> float:
        """Note a refusal and return the seconds to wait; a burst of them counts once."""
        held, now = self._of(kind), time.monotonic()
        if now >= held.until:
            held.refusals += 1
        if retry_after is None:
            timing = self._timing
            retry_after = growing_pause(held.refusals, first=timing.first, longest=timing.longest)
        held.until = max(held.until, now + retry_after)
        return held.until - now

    def accepted(self, kind: str = "") -> None:
        """Note that the vendor takes such calls again."""
        held = self._of(kind)
        if time.monotonic() >= held.until:
            held.refusals = 0

    async def _ask(self, kind: str) -> None:
        """Learn of a pause that another worker has noted."""
        held, now = self._of(kind), time.monotonic()
        if self._store is None or now - held.asked_at < _NEWS_SECONDS:
            return
        held.asked_at = now
        seconds = await self._store.seconds_left(self._name(kind))
        if seconds > 0:
            held.until = max(held.until, now + seconds)

    def _name(self, kind: str) -> str:
        return f"{self._account}:{kind}"

    def _of(self, kind: str) -> _Held:
        return self._held.setdefault(kind, _Held())
