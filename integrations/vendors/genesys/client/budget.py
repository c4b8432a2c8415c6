"""What may still be asked of Genesys: 300 requests a minute for all conversations together."""

from __future__ import annotations

import asyncio
import time

from integrations.contract.errors import RateLimitedError

# Together they are 300 in the worst minute.
BURST = 150.0
PER_SECOND = 2.5
RESERVE = 30.0
PAUSE_SECONDS = 15.0


class CallBudget:
    """Lets messages pass always, and makes room for them by holding back everything else.

    Other workers spend from the same 300 unseen, so a refusal by Genesys counts more than our sum.
    """

    def __init__(self) -> None:
        """Start full."""
        self._left = BURST
        self._counted_at = time.monotonic()
        self._paused_until = 0.0

    @property
    def is_tight(self) -> bool:
        """Say whether what is left should be kept for messages."""
        return self.seconds_until_room() > 0

    def spend(self) -> None:
        """Count one request."""
        self._refill()
        self._left = max(self._left - 1, 0.0)

    def refused(self, error: RateLimitedError) -> None:
        """Note that Genesys wants a pause."""
        seconds = PAUSE_SECONDS if error.retry_after is None else error.retry_after
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def seconds_until_room(self, *, is_urgent: bool = False) -> float:
        """Say how long a request should wait; an urgent one waits for Genesys alone."""
        self._refill()
        missing = (0.0 if is_urgent else RESERVE) - self._left
        return max(self._paused_until - time.monotonic(), missing / PER_SECOND, 0.0)

    async def room(self) -> None:
        """Wait until a request that can wait may go."""
        seconds = self.seconds_until_room()
        if seconds > 0:
            await asyncio.sleep(seconds)
            await self.room()

    def _refill(self) -> None:
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
