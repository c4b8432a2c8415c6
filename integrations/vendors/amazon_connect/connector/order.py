"""The order of a chat: its items carry the vendor's times, its frames no numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from datetime import datetime

from integrations.vendors.amazon_connect.mapping.item import CHAT_ENDED, Item


def in_order(items: Iterable[Item]) -> list[Item]:
    """Sort by the vendor's own times, the end last; at the same time first come, first served."""
    return sorted(items, key=lambda item: (item.at, item.event == CHAT_ENDED))


class FrameOrder:
    """Lets each item wait a moment for what it has overtaken on its way."""

    def __init__(self, seconds: float) -> None:
        """Let items wait for so long."""
        self._seconds = seconds
        self._waiting: list[tuple[float, Item]] = []

    @property
    def due_at(self) -> float:
        """Return when the first item has waited long enough, by the monotonic clock."""
        return self._waiting[0][0] if self._waiting else math.inf

    def add(self, item: Item) -> None:
        """Let an item wait."""
        self._waiting.append((time.monotonic() + self._seconds, item))

    def take_due(self) -> list[Item]:
        """Return what has waited long enough, and before it what happened before it."""
        now = time.monotonic()
        due = [item.at for until, item in self._waiting if until <= now]
        return self._take(max(due)) if due else []

    def take_all(self) -> list[Item]:
        """Return whatever waits: nothing else can come before it."""
        items = [item for _, item in self._waiting]
        self._waiting.clear()
        return in_order(items)

    def _take(self, until: datetime) -> list[Item]:
        taken = [item for _, item in self._waiting if item.at <= until]
        self._waiting = [(due, item) for due, item in self._waiting if item.at > until]
        return in_order(taken)
