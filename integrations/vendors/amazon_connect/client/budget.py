"""Holds a kind of call back for all chats of a connection once AWS has refused one of it."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from integrations.contract.errors import RateLimitedError

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 20.0
# What is over so soon is waited for in place.
IN_PLACE_SECONDS = 3.0
# AWS counts these together, of all chats of an instance; any other operation by itself.
_COUNTED_TOGETHER = {"SendMessage": "send", "SendEvent": "send"}


@dataclass(slots=True)
class _Pause:
    until: float = 0.0
    refusals: int = 0


class RateBudget:
    """Remembers refusals for all sessions of an integration in this process.

    What AWS takes in a second can be raised for an account, so nothing is counted beforehand.
    """

    def __init__(self) -> None:
        """Start with nothing held back."""
        self._pauses: dict[str, _Pause] = {}

    def is_held_back(self, operation: str) -> bool:
        """Say whether a call would have to wait; what is not important is better dropped then."""
        return self._pause(operation).until > time.monotonic()

    async def admit(self, operation: str) -> None:
        """Wait out a short pause; raises RateLimitedError during a long one."""
        remaining = self._pause(operation).until - time.monotonic()
        if remaining > IN_PLACE_SECONDS:
            raise RateLimitedError(f"{operation}: held back", retry_after=remaining)
        if remaining > 0:
            # Not all at the same moment again.
            await asyncio.sleep(remaining * random.uniform(1.0, 1.5))  # noqa: S311 - jitter

    def refused(self, operation: str, retry_after: float | None) -> float:
        """Note a refusal and return the seconds to wait; a burst of them counts once."""
        pause, now = self._pause(operation), time.monotonic()
        if now >= pause.until:
            pause.refusals += 1
        grown = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(pause.refusals - 1, 16))
        pause.until = max(pause.until, now + (grown if retry_after is None else retry_after))
        return pause.until - now

    def accepted(self, operation: str) -> None:
        """Note that AWS takes such calls again."""
        pause = self._pause(operation)
        if time.monotonic() >= pause.until:
            pause.refusals = 0

    def _pause(self, operation: str) -> _Pause:
        kind = _COUNTED_TOGETHER.get(operation, operation)
        return self._pauses.setdefault(kind, _Pause())
