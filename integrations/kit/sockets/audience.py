"""Who listens to a connection: each hears what comes from now on, and all hear of its end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
# Gives the next item, or None after so many seconds without one; raises once all is over.
Next = Callable[[float], Awaitable[T | None]]


class Audience(Generic[T]):
    """Passes items on to all listeners; what comes before the first one waits for it."""

    def __init__(self, *, early: int) -> None:
        """Keep so many items for the first listener."""
        self._early: deque[T] = deque(maxlen=early)
        self._queues: list[asyncio.Queue[T | None]] = []
        self._error: Exception | None = None

    def tell(self, item: T) -> None:
        """Pass an item on."""
        if not self._queues:
            self._early.append(item)
        for queue in self._queues:
            queue.put_nowait(item)

    def wake(self) -> None:
        """Have every listener's waiting be over, as if its time had passed."""
        for queue in self._queues:
            queue.put_nowait(None)

    def end(self, error: Exception) -> None:
        """Raise an error to each listener, once it has heard what came before."""
        self._error = error
        self.wake()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Next[T]]:
        """Listen for the length of a block."""
        queue: asyncio.Queue[T | None] = asyncio.Queue()
        self._queues.append(queue)
        while self._early:
            queue.put_nowait(self._early.popleft())

        async def next_item(seconds: float) -> T | None:
            if self._error is not None and queue.empty():
                raise self._error
            try:
                async with asyncio.timeout(seconds):
                    item = await queue.get()
            except TimeoutError:
                return None
            if item is None and self._error is not None and queue.empty():
                raise self._error
            return item

        try:
            yield next_item
        finally:
            self._queues.remove(queue)
