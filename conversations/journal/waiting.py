"""Wait for something in a conversation, in no thread: woken by its lines, bounded by a clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from conversations.event_loop.executor import run_sync
from conversations.journal.publish import conversation_group

logger = logging.getLogger(__name__)
T = TypeVar("T")
# Any wake-up may be lost.
RECHECK_SECONDS = 1.0


async def conversation_wait(
    conversation_id: str, look: Callable[[], T | None], *, seconds: float
) -> T | None:
    """Return what `look` finds as soon as there is something; None after so many seconds."""
    found = await run_sync(look)
    if found is not None or seconds <= 0:
        return found
    try:
        async with asyncio.timeout(seconds), _changes(conversation_id) as changed:
            while (found := await run_sync(look)) is None:
                await changed()
            return found
    except TimeoutError:
        return None


@asynccontextmanager
async def _changes(conversation_id: str) -> AsyncIterator[Callable[[], Any]]:
    """Give a function that returns after the next line, or after a while."""
    layer, group = get_channel_layer(), conversation_group(conversation_id)
    name = await layer.new_channel()
    try:
        await layer.group_add(group, name)
    except (RedisError, OSError) as error:
        logger.warning("No channel layer, the journal is polled: %s", type(error).__name__)
        yield _pause
        return
    try:
        yield lambda: _next(layer, name)
    finally:
        await _leave(layer, group, name)


async def _next(layer: Any, name: str) -> None:
    try:
        async with asyncio.timeout(RECHECK_SECONDS):
            await layer.receive(name)
    except TimeoutError:
        return
    except (RedisError, OSError):
        await _pause()


async def _pause() -> None:
    await asyncio.sleep(RECHECK_SECONDS)


async def _leave(layer: Any, group: str, name: str) -> None:
    try:
        await layer.group_discard(group, name)
    except (RedisError, OSError):
        return
