"""Test connection for Webex: a refresh and reads; only a probe mends what has stopped."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from integrations.contract.checks import Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import MissingPermissionError
from integrations.kit.rotating_tokens import TokenPair
from integrations.vendors.webex.client import WebexClient
from integrations.vendors.webex.connector.subscriptions import (
    RESOURCES,
    Subscriptions,
    differs,
    is_stopped,
)

WARNED_DAYS = 14
_DAY = 24 * 3600
_WEEK = 7 * _DAY


class ConnectionChecks:
    """One run of the test; keeps what its checks have found."""

    def __init__(
        self, client: WebexClient, subscriptions: Subscriptions, credentials: Mapping[str, str]
    ) -> None:
        """Share the connector's parts."""
        self._client = client
        self._subscriptions = subscriptions
        self._credentials = credentials
        self._pair: TokenPair | None = None

    def run(self, *, is_probe: bool = False) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        last: Check = self._mended if is_probe else self._looked_at
        checks = [("token", self._token), ("expiry", self._expiry)]
        return run_checks([*checks, ("organization", self._organization), ("subscriptions", last)])

    async def _token(self) -> str:
        self._pair = await self._client.tokens.refreshed_within(_WEEK)
        return ""

    async def _expiry(self) -> str:
        ends_at = self._need_token().refresh_until
        until = datetime.fromtimestamp(ends_at, UTC).strftime("%d %B %Y")
        if ends_at - time.time() < WARNED_DAYS * _DAY:
            raise CheckFailedError("invalid_auth", f"The refresh token ends on {until}.")
        return f"The refresh token holds until {until}, and longer when it is used."

    async def _organization(self) -> str:
        self._need_token()
        with _named_scope("cjp:task_read"):
            theirs = await self._client.own_organization()
        if theirs and theirs.lower() != self._credentials.get("org_id", "").lower():
            raise CheckFailedError("wrong_type", f"The token is of the organization {theirs}.")
        return ""

    async def _looked_at(self) -> str:
        self._need_token()
        with _named_scope("cjp:config_read"):
            ours = await self._subscriptions.ours()
        if any(map(is_stopped, ours.values())):
            raise CheckFailedError("disabled", "Webex has made a subscription inactive.")
        url = self._credentials.get("webhook_url", "")
        if url and any(differs(one, url) for one in ours.values()):
            return "They call another address of this portal's, which Save will mend."
        missing = len(RESOURCES) - len(ours)
        return f"{missing} of {len(RESOURCES)} will be made on Save." if missing else ""

    async def _mended(self) -> str:
        self._need_token()
        url = self._credentials.get("webhook_url", "")
        secret = self._credentials.get("subscription_secret", "")
        if not (url and secret):
            return await self._looked_at()
        with _named_scope("cjp:config_write"):
            mended = await self._subscriptions.mend(url, secret)
        return f"{mended} were missing, inactive or out of date, and are mended." if mended else ""

    def _need_token(self) -> TokenPair:
        if self._pair is None:
            raise CheckFailedError("skipped")
        return self._pair


@contextmanager
def _named_scope(scope: str) -> Iterator[None]:
    try:
        yield
    except MissingPermissionError as error:
        raise CheckFailedError("missing_permission", f"Webex asks for {scope}.") from error
