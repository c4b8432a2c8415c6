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
        self._text, self._until = "", 0.0

    def check(self) -> None:
        """Raise RateLimitedError again where nothing can have changed much since."""
        if time.monotonic() < self._until:
            raise RateLimitedError(self._text)

    def note(self, error: RateLimitedError) -> None:
        """Remember a refusal."""
        self._text, self._until = str(error), time.monotonic() + REFUSED_SECONDS
