"""One connection for all who need it at a time: the first opens it, the last one closes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Connection(Protocol):
    """What is shared."""

    @property
    def is_alive(self) -> bool:
        """Say whether it can be used."""

    async def close(self) -> None:
        """Close it; twice is fine."""


C = TypeVar("C", bound=Connection)


@dataclass(slots=True)
class _Use(Generic[C]):
    """One connection, and how many use it."""

    users: int = 0
    connection: C | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Shared(Generic[C]):
    """Connections by key, each open while anybody uses or holds it."""

    def __init__(self, *, hold_seconds: float) -> None:
        """Hold what nobody uses yet for so long."""
        self._hold_seconds = hold_seconds
        self._uses: dict[str, _Use[C]] = {}
        self._held: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def using(self, key: str, connect: Callable[[], Awaitable[C]]) -> AsyncIterator[C]:
        """Use the key's connection for the length of a block; one that is dead is opened anew."""
        use = self._uses.setdefault(key, _Use())
        use.users += 1
        try:
            async with use.lock:
                if use.connection is None or not use.connection.is_alive:
                    use.connection = await connect()
            yield use.connection
        finally:
            await self._release(key, use)

    async def hold(self, key: str) -> None:
        """Keep a connection in use open for who comes next: what arrives meanwhile is kept."""
        use = self._uses[key]
        use.users += 1

        async def wait() -> None:
            try:
                await asyncio.sleep(self._hold_seconds)
            finally:
                await self._release(key, use)

        self._held[key] = asyncio.create_task(wait())
        await asyncio.sleep(0)  # a task that has not begun would release nothing

    def let_go(self, key: str) -> None:
        """Hold a connection no longer."""
        if held := self._held.pop(key, None):
            held.cancel()

    async def close(self) -> None:
        """Close every connection."""
        for held in self._held.values():
            held.cancel()
        for use in list(self._uses.values()):
            if use.connection is not None:
                await use.connection.close()

    async def _release(self, key: str, use: _Use[C]) -> None:
        use.users -= 1
        if not use.users:
            self._uses.pop(key, None)
            if use.connection is not None:
                await use.connection.close()
