"""The pair of tokens of a Service App: each refresh replaces both, for all workers at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.contract.connector import ROTATING, TokenCache
from integrations.contract.errors import InvalidAuthError, UnexpectedResponseError
from integrations.http.client import HttpClient
from integrations.http.errors import StatusTable
from integrations.kit.json_values import as_count, as_object, as_text
from integrations.kit.plain_json import vendor_object

DEFAULT_OAUTH_URL = "https://webexapis.com"
# A refresh token lives 90 days from its issue; used once a week it never ends.
WEEK_SECONDS = 7 * 24 * 3600
_KEPT_SECONDS = 90 * 24 * 3600
# A worker that died in the middle of a refresh holds the others back so long; a call that Webex
# does not answer is given up before.
_CLAIM_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_LEAST_LIFE_LEFT = 0.1
_REFUSALS: StatusTable = {400: InvalidAuthError, 401: InvalidAuthError, 403: InvalidAuthError}


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
        return self.access_until - time.time() > life * _LEAST_LIFE_LEFT


class AccessTokens:
    """Finds and refreshes the one pair that all workers of an integration share.

    Only one of them refreshes; the others wait for what it gets.
    """

    def __init__(
        self, http: HttpClient, *, cache: TokenCache, credentials: Mapping[str, str]
    ) -> None:
        """Keep what a refresh takes; a draft under test may lack any of it."""
        self._http = http
        self._cache = cache
        base = credentials.get("oauth_base_url", "").rstrip("/") or DEFAULT_OAUTH_URL
        self._url = f"{base}/v1/access_token"
        self._client_id = credentials.get("client_id", "")
        self._secret = credentials.get("client_secret", "")
        self._seed = credentials.get("refresh_token", "")
        digest = hashlib.sha256(f"{self._client_id}\n{self._seed}".encode()).hexdigest()
        self._name = f"{ROTATING}{digest[:24]}"
        self._claim = f"{self._name}:claim"
        self._known: TokenPair | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return a token; raises InvalidAuthError when Webex takes the refresh token no more."""
        if self._known is not None and self._known.is_fresh:
            return self._known.access
        async with self._lock:
            pair = await self._kept()
            if pair is None or not pair.is_fresh:
                pair = await self._refreshed(pair)
            self._known = pair
            return pair.access

    async def renew(self, stale: str) -> str:
        """Return a token other than `stale`, which the API has refused."""
        async with self._lock:
            pair = await self._kept()
            if pair is None or pair.access == stale:
                pair = await self._refreshed(pair)
            self._known = pair
            return pair.access

    async def checked(self) -> TokenPair:
        """Return the pair after a refresh, unless the last one is less than a week ago."""
        async with self._lock:
            pair = await self._kept()
            if pair is None or time.time() - pair.refreshed_at > WEEK_SECONDS:
                pair = await self._refreshed(pair)
            self._known = pair
            return pair

    async def _kept(self) -> TokenPair | None:
        kept = vendor_object(await self._cache.get(self._name) or "{}")
        names = ("access_until", "refreshed_at", "refresh_until")
        moments = [kept.get(name) for name in names]
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

    async def _refreshed(self, old: TokenPair | None) -> TokenPair:
        """Refresh, or wait for the worker that does so already."""
        while True:
            if await self._cache.claim(self._claim, _CLAIM_SECONDS):
                break
            await asyncio.sleep(_LOOK_SECONDS)
            if (newest := await self._newer_than(old)) is not None:
                return newest
        try:
            if (newest := await self._newer_than(old)) is not None:
                return newest
            return await _to_the_end(self._refresh_and_keep(old.refresh if old else self._seed))
        finally:
            await self._cache.delete(self._claim)

    async def _newer_than(self, old: TokenPair | None) -> TokenPair | None:
        newest = await self._kept()
        return newest if newest != old else None

    async def _refresh_and_keep(self, refresh_token: str) -> TokenPair:
        pair = await self._refresh(refresh_token)
        await self._cache.set(self._name, json.dumps(asdict(pair)), _KEPT_SECONDS)
        return pair

    async def _refresh(self, refresh_token: str) -> TokenPair:
        try:
            response = await self._http.request(
                "access_token",
                "POST",
                self._url,
                data={
                    "grant_type": "refresh_token",
                    "client_id": self._client_id,
                    "client_secret": self._secret,
                    "refresh_token": refresh_token,
                },
                statuses=_REFUSALS,
            )
        except InvalidAuthError as error:
            error.field = "refresh_token"
            raise
        answer, now = as_object(response.json()), time.time()
        token = as_text(answer.get("access_token"))
        if not token:
            raise UnexpectedResponseError("access_token: the answer holds no token")
        life = as_count(answer.get("expires_in")) or 1
        return TokenPair(
            access=token,
            access_until=now + life,
            # Webex may leave it as it is.
            refresh=as_text(answer.get("refresh_token")) or refresh_token,
            refreshed_at=now,
            refresh_until=now + (as_count(answer.get("refresh_token_expires_in")) or _KEPT_SECONDS),
        )


async def _to_the_end(refresh: Coroutine[Any, Any, TokenPair]) -> TokenPair:
    """Let a refresh end though nobody waits for it any more: its answer is the only valid pair."""
    work = asyncio.create_task(refresh)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
