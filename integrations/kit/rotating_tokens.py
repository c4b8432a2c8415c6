"""A pair of tokens of which each refresh replaces both, kept for all workers and refreshed by one.

Whoever uses up a refresh token must leave the new one to all: the vendor takes the old one no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from integrations.contract.connector import ROTATING, TokenCache
from integrations.contract.errors import InvalidAuthError
from integrations.kit.json_values import as_text
from integrations.kit.plain_json import vendor_object

# A worker that died in the middle of a refresh holds the others back so long; a call that the
# vendor does not answer is given up before.
CLAIM_SECONDS = 60.0
LOOK_SECONDS = 0.1
LEAST_LIFE_LEFT = 0.1
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """Both tokens as one refresh gave them, with the moments (seconds since 1970) of their ends."""

    access: str = field(repr=False)
    access_until: float
    refresh: str = field(repr=False)
    refreshed_at: float
    refresh_until: float

    @property
    def is_fresh(self) -> bool:
        """Say whether more than a tenth of the access token's life is left."""
        life = self.access_until - self.refreshed_at
        return self.access_until - time.time() > life * LEAST_LIFE_LEFT


# Takes a refresh token and returns what the vendor gave for it.
Refresh = Callable[[str], Awaitable[TokenPair]]


class RotatingTokens:
    """Finds and refreshes the one pair; whatever `refresh` raises is raised to whoever asked."""

    def __init__(self, refresh: Refresh, *, cache: TokenCache, account: str, first: str) -> None:
        """Take whose tokens they are, and the refresh token that an admin has entered."""
        self._refresh = refresh
        self._cache = cache
        self._first = first
        # Another one that is entered begins anew.
        digest = hashlib.sha256(f"{account}\n{first}".encode()).hexdigest()
        self._name = f"{ROTATING}{digest[:24]}"
        self._known: TokenPair | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return an access token."""
        if self._known is not None and self._known.is_fresh:
            return self._known.access
        return (await self._pair(lambda pair: pair.is_fresh)).access

    async def renew(self, stale: str) -> str:
        """Return an access token other than `stale`, which the vendor has refused."""
        return (await self._pair(lambda pair: pair.access != stale)).access

    async def using(self, call: Callable[[str], Awaitable[Answer]]) -> Answer:
        """Make a call with the token, and once more with another if it was refused."""
        token = await self.current()
        try:
            return await call(token)
        except InvalidAuthError:
            token = await self.renew(token)
        return await call(token)

    async def refreshed_within(self, seconds: float) -> TokenPair:
        """Return the pair after a refresh, unless the last one is less than so long ago."""
        return await self._pair(lambda pair: time.time() - pair.refreshed_at <= seconds)

    async def _pair(self, is_good: Callable[[TokenPair], bool]) -> TokenPair:
        async with self._lock:
            pair = await self._kept()
            if pair is None or not is_good(pair):
                pair = await self._refreshed(pair)
            self._known = pair
            return pair

    async def _refreshed(self, old: TokenPair | None) -> TokenPair:
        """Refresh, or wait for the worker that does so already."""
        while True:
            if await self._cache.claim(f"{self._name}:claim", CLAIM_SECONDS):
                break
            await asyncio.sleep(LOOK_SECONDS)
            if (newest := await self._newer_than(old)) is not None:
                return newest
        try:
            newest = await self._newer_than(old)
            return newest or await _to_the_end(self._new_pair(old.refresh if old else self._first))
        finally:
            await self._cache.delete(f"{self._name}:claim")

    async def _newer_than(self, old: TokenPair | None) -> TokenPair | None:
        newest = await self._kept()
        return newest if newest != old else None

    async def _new_pair(self, refresh_token: str) -> TokenPair:
        pair = await self._refresh(refresh_token)
        life = pair.refresh_until - time.time()
        await self._cache.set(self._name, json.dumps(asdict(pair)), life)
        return pair

    async def _kept(self) -> TokenPair | None:
        kept = vendor_object(await self._cache.get(self._name) or "{}")
        moments = [kept.get(n) for n in ("access_until", "refreshed_at", "refresh_until")]
        until, at, refresh_until = (float(m) if isinstance(m, int | float) else 0 for m in moments)
        if not as_text(kept.get("refresh")):
            return None
        return TokenPair(
            access=as_text(kept.get("access")),
            access_until=until,
            refresh=as_text(kept.get("refresh")),
            refreshed_at=at,
            refresh_until=refresh_until,
        )


async def _to_the_end(refresh: Coroutine[Any, Any, TokenPair]) -> TokenPair:
    """Let a refresh end though nobody waits for it any more: its answer is the only valid pair."""
    work = asyncio.create_task(refresh)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
