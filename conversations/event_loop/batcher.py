"""Take together what arrives together: one statement for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
R = TypeVar("R")
_Work = Callable[[Sequence[T]], Coroutine[Any, Any, Sequence[R]]]
_Waiting = list[tuple[T, "asyncio.Future[R]"]]
BATCH = 64


class Batcher(Generic[T, R]):
    """Calls a function with a list of what was asked for while it was busy before.

    Nobody waits for a list to fill: alone, an item goes at once. A list holds at most one item of
    each key, so that items of one key are worked on one after the other, in order. The function
    returns a result for each item; what it raises is raised to everybody in the list.
    """

    def __init__(self, work: _Work[T, R], *, key: Callable[[T], Hashable]) -> None:
        """Take the function; lists of different loops are never mixed."""
        self._work, self._key = work, key
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line[T, R]] = WeakKeyDictionary()

    async def __call__(self, item: T) -> R:
        """Have one item worked on and return its result; who gives up meanwhile is left out."""
        return await self.ask(item)

    def ask(self, item: T) -> asyncio.Future[R]:
        """Do the same without waiting for the result."""
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = _Line(self._work, self._key)
        return line.join(item, loop.create_future())


class _Line(Generic[T, R]):
    """What waits on one loop; one list at a time is being worked on."""

    def __init__(self, work: _Work[T, R], key: Callable[[T], Hashable]) -> None:
        self._work, self._key = work, key
        self._waiting: _Waiting[T, R] = []
        self._task: asyncio.Task[Sequence[R]] | None = None

    def join(self, item: T, result: asyncio.Future[R]) -> asyncio.Future[R]:
        self._waiting.append((item, result))
        if self._task is None:
            self._begin()
        return result

    def _begin(self) -> None:
        batch = self._take()
        if not batch:
            return
        # Not the caller's own task: that may be cancelled while others wait.
        self._task = asyncio.create_task(  # noqa: RUF006 - it is kept
            self._work([item for item, _ in batch])
        )
        self._task.add_done_callback(partial(self._finished, [future for _, future in batch]))

    def _take(self) -> _Waiting[T, R]:
        """Take the first of each key, as many as fit; who has given up is left out."""
        batch: dict[Hashable, tuple[T, asyncio.Future[R]]] = {}
        rest: _Waiting[T, R] = []
        for pair in self._waiting:
            key = self._key(pair[0])
            if key in batch or len(batch) == BATCH:
                rest.append(pair)
            elif not pair[1].done():
                batch[key] = pair
        self._waiting = rest
        return list(batch.values())

    def _finished(
        self, futures: list[asyncio.Future[R]], done: asyncio.Future[Sequence[R]]
    ) -> None:
        self._task = None
        if done.cancelled():
            for future in futures:
                future.cancel()
        elif error := done.exception():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, result in zip(futures, done.result(), strict=True):
                if not future.done():
                    future.set_result(result)
        if self._waiting:
            self._begin()
