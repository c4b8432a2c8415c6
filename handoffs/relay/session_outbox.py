"""What a session was told to send, and whether that is all there is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from conversations.journal.frames import ToldDelivery
from handoffs.sending.outbox import PendingDelivery

# What was told longer ago may have been sent by somebody else, if this process was frozen.
_FRESH_SECONDS = 1.0


class SessionOutbox:
    """Spares a look at the database where wake-ups tell everything.

    Whoever tells a delivery has seen that none is pending before it. Anything else that happens
    makes the session look; it looks first of all when it begins.
    """

    def __init__(self) -> None:
        """Begin with a look."""
        self.must_look = True
        self._told: list[ToldDelivery] = []
        self._tried = 0

    def tell(self, told: ToldDelivery) -> None:
        """Take a delivery that can be sent at once."""
        self._told.append(told)

    def tried(self, delivery: PendingDelivery) -> None:
        """Note that a delivery was tried: what is told of it later is old."""
        self._tried = max(self._tried, delivery.id)

    def take_told(self) -> list[PendingDelivery] | None:
        """Return what was told, or None if one has to look."""
        told, self._told = self._told, []
        if self.must_look or not all(map(self._is_news, told)):
            self.must_look = False
            return None
        return [_pending(one) for one in told]

    def _is_news(self, told: ToldDelivery) -> bool:
        """Say whether it can be sent unseen; not if it may be waiting for another attempt."""
        # In both directions: the clock of whoever told may go wrong.
        is_fresh = abs(time.time() - told["at"]) <= _FRESH_SECONDS
        return is_fresh and told["id"] > self._tried


def _pending(told: ToldDelivery) -> PendingDelivery:
    at = datetime.fromtimestamp(told["at"], UTC)
    return PendingDelivery(
        id=told["id"],
        message_id=told["message_id"],
        text=told["text"],
        sent_at=at,
        attempts=0,
        next_attempt_at=at,
        created_at=at,
    )
