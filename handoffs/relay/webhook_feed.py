"""The stored webhook items of one handoff, as a feed for its relay session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.receiving.inbox import (
    MAX_ATTEMPTS,
    WaitingWebhooks,
    webhook_catch_up,
    webhook_done,
    webhook_failed,
    webhooks_waiting,
)
from handoffs.sending.outbox import retry_seconds
from integrations.contract.connector import WebhookItem
from integrations.contract.errors import ConnectorError

logger = logging.getLogger(__name__)
# Of the item that nobody has stored.
_CATCH_UP = 0


class WebhookFeed:
    """Yields items in order; each is yielded again until it is `done` or given up."""

    def __init__(self, lease: Lease) -> None:
        """Take the lease under which items are marked."""
        self._lease = lease
        self._wake = asyncio.Event()
        self._current = 0
        self._failures = 0
        # Nothing has been missed by whoever opened the conversation.
        self._has_caught_up = lease.epoch == 1

    def wake(self) -> None:
        """Say that something may have come; the worker's own timer does, if a wake-up was lost."""
        self._wake.set()

    async def items(self, *, silence_seconds: float | None = None) -> AsyncIterator[WebhookItem]:
        """Yield for ever what waits for this handoff.

        After a silence it is asked anew what no call has told.
        """
        heard_at = time.monotonic()
        while True:
            self._wake.clear()
            if silence_seconds is not None and time.monotonic() - heard_at >= silence_seconds:
                self._has_caught_up = False
            waiting = await run_sync(self._waiting)
            for row_id, item in waiting.items:
                self._current, heard_at = row_id, time.monotonic()
                yield item
                if self._failures:
                    break
            if waiting.items and not self._failures:
                continue
            if self._failures:
                # What comes meanwhile waits behind it, and must not use up its attempts.
                await asyncio.sleep(retry_seconds(self._failures))
            else:
                await self._woken(_shorter(waiting.look_again_seconds, silence_seconds))

    async def _woken(self, seconds: float | None) -> None:
        """Wait for news, or until what is missing has been waited for long enough."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _waiting(self) -> WaitingWebhooks:
        waiting = webhooks_waiting(self._lease.handoff_id)
        catch_up = None if self._has_caught_up else webhook_catch_up(self._lease)
        if catch_up is None:
            self._has_caught_up = True
            return waiting
        waiting.items.insert(0, (_CATCH_UP, catch_up))
        return waiting

    async def done(self) -> None:
        """Mark the item that was yielded last as applied."""
        if self._current == _CATCH_UP:
            self._has_caught_up = True
        else:
            await run_sync(webhook_done, self._lease, self._current)
        self._failures = 0

    async def failed(self, error: ConnectorError) -> None:
        """Try the item again later if that can help, else drop it and say so."""
        is_worth_it = error.retryable and self._failures < MAX_ATTEMPTS
        if is_worth_it and await run_sync(webhook_failed, self._current):
            self._failures += 1
            return
        logger.warning("A webhook item was dropped: %s", error.code)
        await self.done()


def _shorter(*seconds: float | None) -> float | None:
    return min((one for one in seconds if one is not None), default=None)
