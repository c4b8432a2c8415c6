"""Repeats a refusal for a moment, so that a flood costs no thread and no statement."""

from __future__ import annotations

import time

from conversations.errors import RateLimitedError

# Long against a burst, and too short for a person to write something else meanwhile.
REFUSED_SECONDS = 0.3


class LastRefusal:
    """What one socket was told last because too much waits already."""

    def __init__(self) -> None:
        """Begin without any."""
        self._error: RateLimitedError | None = None
        self._until = 0.0

    def check(self) -> None:
        """Raise RateLimitedError again where nothing can have changed much since."""
        if self._error is not None and time.monotonic() < self._until:
            raise self._error.with_traceback(None)

    def note(self, error: RateLimitedError) -> None:
        """Remember a refusal."""
        self._error, self._until = error, time.monotonic() + REFUSED_SECONDS
