"""Waits between connections: not at all, then longer and longer; gives up in the end."""

from __future__ import annotations

import asyncio
import random
import time

from integrations.contract.errors import ConnectorError


class Backoff:
    """Counts the failures of one listener."""

    def __init__(self, *, first_delay: float, max_delay: float, give_up: float) -> None:
        """Take the first and the longest wait, and for how long to try at all."""
        self._first_delay = first_delay
        self._max_delay = max_delay
        self._give_up = give_up
        self._failures = 0
        self._lost_at: float | None = None
        self._connected_at: float | None = None

    def connected(self) -> None:
        """Note that a connection stands."""
        self._lost_at = None
        self._connected_at = time.monotonic()

    async def pause(self, error: ConnectorError) -> None:
        """Wait before the next try; raises the error when it has lasted too long."""
        now = time.monotonic()
        if self._connected_at is not None and now - self._connected_at > self._max_delay:
            self._failures = 0  # that one held: this is a new trouble
        self._connected_at = None
        self._lost_at = self._lost_at or now
        if now - self._lost_at > self._give_up:
            raise error
        delay = 0.0
        if self._failures:
            grown = self._first_delay * 2.0 ** (self._failures - 1)
            delay = min(grown, self._max_delay) * random.uniform(0.7, 1.0)  # noqa: S311
        self._failures += 1
        await asyncio.sleep(max(delay, error.retry_after or 0.0))
