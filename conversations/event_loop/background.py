"""An event loop in a thread of its own: for what waits long, and for threads that have none."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from django.db import Error as DatabaseError

from conversations.event_loop.executor import calling_loop

logger = logging.getLogger(__name__)
CLOSE_SECONDS = 2.0


class BackgroundLoop:
    """Starts with the first work; thread-safe, but for after a fork."""

    def __init__(self, name: str, *, closing: Callable[[], Awaitable[None]]) -> None:
        """Start nothing yet; `closing` runs on the loop before the process ends."""
        self._name, self._closing = name, closing
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def running(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name=self._name, daemon=True
                )
                thread.start()
                atexit.register(self._close)
            return self._loop

    def begin(self, work: Coroutine[Any, Any, None]) -> Future[Any]:
        """Have something done; what is returned is for whoever waits for it."""
        return begin_on(self.running(), work)

    @contextmanager
    def publishes(self) -> Iterator[None]:
        """Let what this thread publishes go out over the loop's living connection.

        Without a loop each publication opens one of its own (measured: 2 ms instead of 0.1).
        """
        token = calling_loop.set(self.running())
        try:
            yield
        finally:
            calling_loop.reset(token)

    def _close(self) -> None:
        """Let go of the connections; what is under way is done again by another worker."""

        async def close() -> None:
            await self._closing()

        if self._loop is not None:
            closed = asyncio.run_coroutine_threadsafe(close(), self._loop)
            with contextlib.suppress(TimeoutError):
                closed.result(CLOSE_SECONDS)


def begin_on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Future[Any]:
    """Have something done on a loop of another thread; what breaks it is logged."""
    begun = asyncio.run_coroutine_threadsafe(work, loop)
    begun.add_done_callback(failure_log)
    return begun


def failure_log(done: Future[Any] | asyncio.Future[Any]) -> None:
    """Log what broke something that is over; its clock does it again."""
    error = None if done.cancelled() else done.exception()
    if isinstance(error, DatabaseError):
        logger.warning("Left undone, the database is away: %s", type(error).__name__)
    elif error is not None:
        logger.error("Work that nobody waits for broke", exc_info=error)
