"""What a session got directly to send, and whether that is all there is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from conversations.journal.frames import DirectDelivery
from handoffs.sending.outbox import PendingDelivery

# What was sent here longer ago may have been sent by somebody else, if this process was frozen.
_FRESH_SECONDS = 1.0


class SessionOutbox:
    """Spares a look at the database where wake-ups carry what there is.

    Whoever hands one over has seen that none is pending before it. Anything else that happens
    makes the session look; it looks first of all when it begins.
    """

    def __init__(self) -> None:
        """Begin with a look."""
        self.must_look = True
        self._direct: list[DirectDelivery] = []
        self._tried = 0

    def add(self, delivery: DirectDelivery) -> None:
        """Take a delivery that can be sent at once."""
        self._direct.append(delivery)

    def tried(self, delivery: PendingDelivery) -> None:
        """Note that a delivery was tried: what comes of it later is old."""
        self._tried = max(self._tried, delivery.id)

    def take(self) -> list[PendingDelivery] | None:
        """Return what came directly, or None if one has to look."""
        direct, self._direct = self._direct, []
        if self.must_look or not all(map(self._is_news, direct)):
            self.must_look = False
            return None
        return [_pending(one) for one in direct]

    def _is_news(self, delivery: DirectDelivery) -> bool:
        """Say whether it can be sent unseen; not if it may be waiting for another attempt."""
        # In both directions: the sender's clock may go wrong.
        is_fresh = abs(time.time() - delivery["at"]) <= _FRESH_SECONDS
        return is_fresh and delivery["id"] > self._tried


def _pending(direct: DirectDelivery) -> PendingDelivery:
    at = datetime.fromtimestamp(direct["at"], UTC)
    return PendingDelivery(
        id=direct["id"],
        message_id=direct["message_id"],
        text=direct["text"],
        sent_at=at,
        attempts=0,
        next_attempt_at=at,
        created_at=at,
        correlation_id=direct.get("correlation_id", ""),
    )
