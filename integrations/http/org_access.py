"""Access tokens of an organization's app: one for all workers, renewed when it is refused."""

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

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 180
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgApp:
    """The app in whose name tokens are asked for.

    `form` makes what is sent; the other two are the fields that an admin looks at when the app, or
    its user, is refused.
    """

    token_url: str
    form: Callable[[], Mapping[str, str]] = field(repr=False)
    key_field: str
    user_field: str


class OrgAccess:
    """One token for a connection, shared by all workers; renewed when it is refused."""

    def __init__(self, http: HttpClient, cache: TokenCache, app: OrgApp) -> None:
        """Share the connector's cache."""
        self._http = http
        self._cache = cache
        self._app = app
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
            self._app.token_url,
            data=self._app.form(),
            timeout=timeout,
            read_error=self._refusal,
        )
        fields = as_object(response.json())
        token = as_text(fields.get("access_token"))
        if not token:
            raise UnexpectedResponseError("token: the answer holds none")
        # https://login.salesforce.com/id/<organization>/<user>
        parts = as_text(fields.get("id")).rstrip("/").split("/")
        return Grant(token=token, org_id=parts[-2] if len(parts) > 1 else "")

    def _refusal(self, response: VendorResponse, statuses: StatusTable) -> ConnectorError:
        """Read why a grant was refused: {error, error_description}."""
        if response.status not in (400, 401, 403):
            return status_error(response, statuses)
        try:
            fields = as_object(response.json())
        except UnexpectedResponseError:
            return status_error(response, statuses)
        code = as_text(fields.get("error"))
        words = as_text(fields.get("error_description")).lower()
        reason = next((name for part, name in _REASONS if part in words), _CODES.get(code, ""))
        kind = _ERRORS.get(reason, InvalidAuthError)
        is_user = kind is MissingPermissionError
        return kind(
            f"token: refused as {code[:60] or response.status}",
            status=response.status,
            vendor_code=code[:60],
            reason=reason,
            field=self._app.user_field if is_user else self._app.key_field,
        )


def jwt_form(
    *, client_id: str, user: str, audience: str, private_key: str, field_name: str
) -> dict[str, str]:
    """Return the form of the JWT bearer flow; raises a ConnectorError for a key that is none."""
    claims = {"iss": client_id, "sub": user, "aud": audience}
    signed = signed_jwt(claims, private_key, seconds=JWT_SECONDS, field=field_name)
    return {"grant_type": GRANT, "assertion": signed}


def secret_form(*, client_id: str, client_secret: str) -> dict[str, str]:
    """Return the form of the client credentials flow."""
    return {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
    }
