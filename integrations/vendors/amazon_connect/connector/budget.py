"""Keeps typing and receipts within what an instance takes, so that messages always get through."""

from __future__ import annotations

import time

# An instance takes 10 messages and events a second together, from all chats.
EVENTS_PER_SECOND = 4.0
BURST = 8.0
TYPING_SECONDS = 4.0  # an indicator is valid for 10


class EventBudget:
    """A bucket shared by all sessions of an integration in this process."""

    def __init__(self, *, typing_seconds: float = TYPING_SECONDS) -> None:
        """Start full."""
        self._typing_seconds = typing_seconds
        self._left = BURST
        self._filled_at = time.monotonic()
        self._typed_at: dict[str, float] = {}

    def allows_typing(self, chat: str) -> bool:
        """Say whether an indicator is due in this chat and affordable."""
        now = time.monotonic()
        if now - self._typed_at.get(chat, -self._typing_seconds) < self._typing_seconds:
            return False
        if not self.allows_event():
            return False
        self._typed_at[chat] = now
        return True

    def allows_event(self) -> bool:
        """Take one event from the bucket, if there is any."""
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._filled_at) * EVENTS_PER_SECOND)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def forget(self, chat: str) -> None:
        """Drop what is known of a chat that is over."""
        self._typed_at.pop(chat, None)
