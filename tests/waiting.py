"""Wait for what must become true, never for an amount of time."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from conversations.event_loop.executor import run_sync

# Long, for a machine that does much else; what is right never waits for it.
PATIENCE_SECONDS = 40.0
_PAUSE_SECONDS = 0.02


def eventually(is_so: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return the first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"it did not become so within {seconds} s"
        time.sleep(_PAUSE_SECONDS)
    return answer


async def eventually_async(is_so: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Do the same on an event loop; `is_so` may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < deadline, f"it did not become so within {seconds} s"
        await asyncio.sleep(_PAUSE_SECONDS)


async def database_threads_rest() -> None:
    """Wait until no thread of the pool works for a task that was cancelled meanwhile."""
    everybody = threading.Barrier(settings.DATABASE_THREADS)
    waits = [run_sync(everybody.wait, 30) for _ in range(settings.DATABASE_THREADS)]
    await asyncio.gather(*waits)
