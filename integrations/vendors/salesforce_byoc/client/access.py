"""Access tokens of the Connected App: by a signed JWT, or by its consumer secret."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from integrations.contract.connector import TokenCache
from integrations.contract.errors import (
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.kit.json_values import as_object, as_text
from integrations.kit.signatures import signed_jwt

JWT_BEARER, CLIENT_CREDENTIALS = "jwt_bearer", "client_credentials"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_SECONDS = 180
# No answer says how long a token lives; the shortest session policy is a quarter of an hour.
_TOKEN_SECONDS = 14 * 60.0
_CACHED = "access_token"
Answer = TypeVar("Answer")
# What Salesforce says about a refused grant, and which check's code that is.
_REASONS = (
    ("hasn't approved", "missing_permission"),
    ("not approved", "missing_permission"),
    ("not admin approved", "missing_permission"),
    ("audience", "wrong_region"),
    ("expired", "rejected"),
)
_CODES = {
    "unsupported_grant_type": "disabled",
    "invalid_app_access": "missing_permission",
    "inactive_user": "invalid_auth",
    "inactive_org": "invalid_auth",
}
_ERRORS: Mapping[str, type[ConnectorError]] = {
    "missing_permission": MissingPermissionError,
    "disabled": MissingPermissionError,
    "rejected": RejectedError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the token endpoint gave: the token, and of which organization it is."""

    token: str = field(repr=False)
    org_id: str


class Access:
    """One token for a connection, shared by all workers; renewed when it is refused."""

    def __init__(self, http: HttpClient, cache: TokenCache, credentials: Mapping[str, str]) -> None:
        """Share the connector's cache."""
        self._http = http
        self._cache = cache
        self._credentials = credentials
        self._lock = asyncio.Lock()

    async def using(self, call: Callable[[str], Awaitable[Answer]]) -> Answer:
        """Make a call with the token, and once more with a new one if it was refused."""
        token = await self.token()
        try:
            return await call(token)
        except InvalidAuthError:
            return await call(await self.renewed(token))

    async def token(self) -> str:
        """Return a token that is good as far as we know."""
        async with self._lock:
            return await self._cache.get(_CACHED) or await self._make()

    async def renewed(self, stale: str) -> str:
        """Return a token other than `stale`."""
        async with self._lock:
            found = await self._cache.get(_CACHED)
            return found if found and found != stale else await self._make()

    async def _make(self) -> str:
        grant = await self.grant()
        await self.keep(grant)
        return grant.token

    async def keep(self, grant: Grant) -> None:
        """Let everybody use a token that was just given."""
        await self._cache.set(_CACHED, grant.token, _TOKEN_SECONDS)

    async def grant(self, *, timeout: float = REQUEST_SECONDS) -> Grant:
        """Ask for a token; the error's `reason` is the code of the check that tells of it."""
        response = await self._http.request(
            "token",
            "POST",
            f"{self._host()}/services/oauth2/token",
            data=self._form(),
            timeout=timeout,
            read_error=_refusal,
        )
        fields = as_object(response.json())
        token = as_text(fields.get("access_token"))
        if not token:
            raise UnexpectedResponseError("token: the answer holds none")
        # https://login.salesforce.com/id/<organization>/<user>
        parts = as_text(fields.get("id")).rstrip("/").split("/")
        return Grant(token=token, org_id=parts[-2] if len(parts) > 1 else "")

    @property
    def _is_jwt(self) -> bool:
        return self._credentials.get("oauth_flow") != CLIENT_CREDENTIALS

    def _host(self) -> str:
        """Return where to ask: My Domain for client credentials, which login hosts refuse."""
        host = self._credentials.get("login_host", "")
        if self._is_jwt and "." in host:
            return f"https://{host}"
        return self._credentials.get("instance_url", "").rstrip("/")

    def _form(self) -> dict[str, str]:
        key = self._credentials.get("consumer_key", "")
        if not self._is_jwt:
            return {
                "grant_type": CLIENT_CREDENTIALS,
                "client_id": key,
                "client_secret": self._credentials.get("consumer_secret", ""),
            }
        claims = {
            "iss": key,
            "sub": self._credentials.get("integration_user", ""),
            "aud": self._host(),
        }
        private_key = self._credentials.get("private_key", "")
        signed = signed_jwt(claims, private_key, seconds=_JWT_SECONDS, field="private_key")
        return {"grant_type": _GRANT, "assertion": signed}


def _refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read why a grant was refused: {error, error_description}."""
    if response.status not in (400, 401, 403):
        return status_error(response, statuses)
    try:
        fields = as_object(response.json())
    except UnexpectedResponseError:
        return status_error(response, statuses)
    code, words = as_text(fields.get("error")), as_text(fields.get("error_description")).lower()
    reason = next((name for part, name in _REASONS if part in words), _CODES.get(code, ""))
    kind = _ERRORS.get(reason, InvalidAuthError)
    field_name = "integration_user" if kind is MissingPermissionError else "consumer_key"
    return kind(
        f"token: refused as {code[:60] or response.status}",
        status=response.status,
        vendor_code=code[:60],
        reason=reason,
        field=field_name,
    )
