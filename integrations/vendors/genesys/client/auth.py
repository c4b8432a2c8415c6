"""One access token for each integration, shared by all workers and renewed in time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection

from integrations.contract.connector import TokenCache
from integrations.contract.errors import InvalidAuthError, UnexpectedResponseError
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.vendors.genesys.mapping.json import as_number, as_object, as_text

RENEW_BEFORE_SECONDS = 300
_NAME = "access_token"
# A wrong client and a wrong region look alike: neither knows the other's ids.
_STATUSES = {400: InvalidAuthError, 403: InvalidAuthError, 404: InvalidAuthError}


class AccessTokens:
    """Finds, makes and renews the token of a client with the grant Client Credentials."""

    def __init__(
        self,
        *,
        http: HttpClient,
        cache: TokenCache,
        login_url: str,
        client_id: str,
        client_secret: str,
    ) -> None:
        """Keep what a token is made of."""
        self._http = http
        self._cache = cache
        self._login_url = login_url
        pair = f"{client_id}:{client_secret}".encode()
        self._authorization = f"Basic {base64.b64encode(pair).decode()}"
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return a token; raises InvalidAuthError when the client is refused."""
        found = await self._cache.get(_NAME)
        if found:
            return found
        async with self._lock:
            return await self._cache.get(_NAME) or await self._make()

    async def renew(self, stale: str) -> str:
        """Return a token other than `stale`, which the API has refused."""
        async with self._lock:
            found = await self._cache.get(_NAME)
            return found if found and found != stale else await self._make()

    async def answer(self, *, returns: Collection[int] = ()) -> VendorResponse:
        """Ask for a token; see `returns` of HttpClient."""
        return await self._http.request(
            "token",
            "POST",
            f"{self._login_url}/oauth/token",
            headers={"Authorization": self._authorization},
            data={"grant_type": "client_credentials"},
            statuses=_STATUSES,
            returns=returns,
        )

    async def _make(self) -> str:
        try:
            response = await self.answer()
        except InvalidAuthError as error:
            error.field = "client_secret"
            raise
        answer = as_object(response.json())
        token = as_text(answer.get("access_token"))
        if not token:
            raise UnexpectedResponseError("token: the answer holds no token")
        life = as_number(answer.get("expires_in")) or 0
        await self._cache.set(_NAME, token, max(life - RENEW_BEFORE_SECONDS, life / 2, 1))
        return token
