"""When a vendor's history must be read before a webhook's item, because calls may be missing."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from integrations.contract.connector import WebhookItem
from integrations.contract.errors import ConnectorError
from integrations.kit.recent import Recent

# Who opened a conversation and who took its calls may be machines with clocks of their own.
CLOCKS_DIFFER = timedelta(seconds=10)
# What is at hand waits so long for a history that cannot be read at the moment.
PATIENCE_SECONDS = 20.0
MAX_CONVERSATIONS = 5000
T = TypeVar("T")


@dataclass(slots=True)
class _Known:
    """One conversation: up to which misses its history was read, and for which item."""

    until: datetime | None = None
    read_for: str = ""
    failing_since: float | None = None


class MissedCalls:
    """Has a history read once for each time that the portal took no calls.

    What it knows is lost with the worker: then one conversation's history is read once more.
    """

    def __init__(
        self, note: Callable[[str, str], None], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Take `note` for remarks about a history that cannot be read: operation, error code."""
        self._note = note
        self._patience_seconds = patience_seconds
        self._kept: Recent[_Known] = Recent(MAX_CONVERSATIONS)

    async def before(
        self,
        conversation_id: str,
        item: WebhookItem,
        *,
        opened_at: datetime | None,
        read: Callable[[], Awaitable[Sequence[T]]],
    ) -> Sequence[T] | None:
        """Return what `read` finds if calls from before the item may be missing, else nothing.

        A history that cannot be read never costs the item: after some patience it goes without,
        which None says.
        """
        known = self._kept.of(conversation_id, _Known)
        if not _may_lack(known, item, opened_at):
            return ()
        try:
            found = await read()
        except ConnectorError as error:
            if error.retryable and self._has_patience(known):
                raise
            self._note("history", error.code)
            return None
        known.until, known.read_for, known.failing_since = item.missed_until, item.item_id, None
        return found

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation that is over."""
        self._kept.discard(conversation_id)

    def _has_patience(self, known: _Known) -> bool:
        now = time.monotonic()
        if known.failing_since is None:
            known.failing_since = now
        return now - known.failing_since < self._patience_seconds


def _may_lack(known: _Known, item: WebhookItem, opened_at: datetime | None) -> bool:
    if item.missed_until is None:
        return False
    if known.until is not None and known.until >= item.missed_until:
        # Asked again about the same item: what was read for it has not been applied.
        return known.read_for == item.item_id
    return opened_at is None or opened_at - CLOCKS_DIFFER <= item.missed_until
