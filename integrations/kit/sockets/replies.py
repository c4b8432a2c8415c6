"""Requests over a connection that answers each by its id, in whatever order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Generic, TypeVar

T = TypeVar("T")


class Replies(Generic[T]):
    """What is waited for on one connection."""

    def __init__(self, seconds: float) -> None:
        """Wait for each reply so long."""
        self._seconds = seconds
        self._waiting: dict[str, asyncio.Future[T]] = {}

    async def to(self, request_id: str, sending: Awaitable[None]) -> T:
        """Send a request and return its reply; raises TimeoutError, or what it is refused with."""
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = reply
        try:
            await sending
            async with asyncio.timeout(self._seconds):
                return await reply
        finally:
            self._waiting.pop(request_id, None)

    def answer(self, request_id: str, value: T) -> bool:
        """Give a reply to who waits for it; False where nobody does."""
        reply = self._open(request_id)
        if reply is not None:
            reply.set_result(value)
        return reply is not None

    def refuse(self, request_id: str, error: Exception) -> bool:
        """Raise an error at who waits for a reply; False where nobody does."""
        reply = self._open(request_id)
        if reply is not None:
            reply.set_exception(error)
        return reply is not None

    def end(self, error: Exception) -> None:
        """Raise an error at all who wait."""
        for request_id in list(self._waiting):
            self.refuse(request_id, error)

    def _open(self, request_id: str) -> asyncio.Future[T] | None:
        reply = self._waiting.get(request_id)
        return None if reply is None or reply.done() else reply
