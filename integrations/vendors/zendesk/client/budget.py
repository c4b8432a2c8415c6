"""One rate limit for all conversations of a connection, as Zendesk counts them together."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from integrations.contract.errors import RateLimitedError


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTiming:
    """Seconds: the first pause, the longest one, and how long a request waits in place."""

    first: float = 1.0
    longest: float = 60.0
    in_place: float = 3.0


class RateBudget:
    """Holds requests back after a 429; Zendesk asks for growing pauses and promises no header."""

    def __init__(self, timing: RateTiming) -> None:
        """Start with nothing held back."""
        self._timing = timing
        self._until = 0.0
        self._refusals = 0

    async def admit(self, operation: str) -> None:
        """Wait out a short pause; raises RateLimitedError during a long one."""
        remaining = self._until - time.monotonic()
        if remaining > self._timing.in_place:
            raise RateLimitedError(f"{operation}: held back", retry_after=remaining)
        if remaining > 0:
            # Not all at the same moment again.
            await asyncio.sleep(remaining * random.uniform(1.0, 1.2))  # noqa: S311 - jitter

    def refused(self, retry_after: float | None) -> float:
        """Note a 429 and return the seconds to wait; a burst of them counts once."""
        now = time.monotonic()
        if now >= self._until:
            self._refusals += 1
        pause = retry_after if retry_after is not None else self._growing_pause()
        self._until = max(self._until, now + pause)
        return self._until - now

    def relax(self) -> None:
        """Note that Zendesk answers again."""
        if time.monotonic() >= self._until:
            self._refusals = 0

    def _growing_pause(self) -> float:
        grown = self._timing.first * 2.0 ** min(max(self._refusals - 1, 0), 16)
        return min(self._timing.longest, grown) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
