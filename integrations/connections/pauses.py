"""Pauses that a vendor asked for, in Redis, for all workers of one of its accounts."""

from __future__ import annotations

import asyncio
import time
from typing import cast

from redis.exceptions import RedisError

from integrations.entry.rate_limit import redis_client

# No message waits longer than this for news of other workers.
_PATIENCE_SECONDS = 0.25
# Redis is not asked again so soon after it has not answered.
_AWAY_SECONDS = 10.0


class StoredPauses:
    """The PauseStore of one vendor; while Redis is away every worker is on its own."""

    def __init__(self, connector_key: str) -> None:
        """Keep apart what is called alike at two vendors."""
        self._prefix = f"baton:pause:{connector_key}"
        self._away_until = 0.0

    async def seconds_left(self, name: str) -> float:
        """Return how long a pause goes on; 0 where there is none, or Redis is away."""
        if time.monotonic() < self._away_until:
            return 0.0
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await asyncio.to_thread(_seconds_left, f"{self._prefix}:{name}")
        except (TimeoutError, RedisError):
            self._away_until = time.monotonic() + _AWAY_SECONDS
            return 0.0

    async def hold(self, name: str, seconds: float) -> None:
        """Keep a pause; one that lasts longer already stays as it is."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.to_thread(_hold, f"{self._prefix}:{name}", seconds)
        except (TimeoutError, RedisError):
            self._away_until = time.monotonic() + _AWAY_SECONDS


def _seconds_left(name: str) -> float:
    # Redis counts down itself, so that the clocks of two workers need not agree.
    milliseconds = cast("int", redis_client().pttl(name))
    return max(milliseconds, 0) / 1000


def _hold(name: str, seconds: float) -> None:
    if seconds > _seconds_left(name):
        redis_client().set(name, "1", px=max(int(seconds * 1000), 1))
