"""How often AWS is asked: pauses after its refusals, and few calls beside the messages."""

from __future__ import annotations

import time

from integrations.http.client import HttpClient
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.amazon_connect.client.errors import CHAT_QUOTA

# What AWS takes in a second can be raised for an account: nothing is counted before it refuses.
_PAUSES = RateTiming(first=0.5, longest=20.0)
SENDING = "send"
# AWS counts these together, of all chats of an instance; any other operation by itself.
_COUNTED_TOGETHER = {"SendMessage": SENDING, "SendEvent": SENDING}

# An instance takes 10 messages and events a second together, from all chats.
EVENTS_PER_SECOND = 4.0
BURST = 8.0
TYPING_SECONDS = 4.0  # an indicator is valid for 10
# An account has 2 questions about a contact's queue a second; half of them are left to others.
QUESTION_SECONDS = 1.0


def kind_of(operation: str) -> str:
    """Return what an operation is counted under."""
    return _COUNTED_TOGETHER.get(operation, operation)


def rate_budget(http: HttpClient, instance_id: str) -> RateBudget:
    """Return the pauses of one instance, which all workers keep together."""
    # Too many chats at once is no matter of how fast we ask.
    return RateBudget(_PAUSES, account=instance_id, store=http.pauses, other_limits=(CHAT_QUOTA,))


class EventBudget:
    """Keeps typing, receipts and questions rare, so that messages always get through.

    A bucket shared by all sessions of an integration in this process.
    """

    def __init__(self, *, typing_seconds: float = TYPING_SECONDS) -> None:
        """Start full."""
        self._typing_seconds = typing_seconds
        self._left = BURST
        self._filled_at = time.monotonic()
        self._typed_at: dict[str, float] = {}
        self._question_at = 0.0

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

    def allows_question(self) -> bool:
        """Take the turn to ask about a queue if it is free; who comes too early asks next time."""
        now = time.monotonic()
        if now < self._question_at:
            return False
        self._question_at = now + QUESTION_SECONDS
        return True

    def forget(self, chat: str) -> None:
        """Drop what is known of a chat that is over."""
        self._typed_at.pop(chat, None)
