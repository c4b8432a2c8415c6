"""Test connection for a custom connector: a signed ping. The portal itself sees the ping back."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import ConnectorError, RejectedError
from integrations.http.errors import VendorResponse
from integrations.vendors.custom.client import CustomClient
from integrations.vendors.custom.mapping.events import Json, as_object

_NOT_FOUND = (404, 405, 410)


class ConnectionChecks:
    """One run of the test."""

    def __init__(self, client: CustomClient) -> None:
        """Share the connector's client."""
        self._client = client

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        return run_checks([("ping", self._ping)])

    async def _ping(self) -> str:
        nonce = secrets.token_urlsafe(18)
        try:
            response = await self._client.ping(nonce)
        except RejectedError as error:
            raise _failed(error) from error
        answer = _object_in(response)
        if answer.get("nonce") != nonce:
            raise CheckFailedError("wrong_type", "The answer does not repeat the nonce.")
        return ""


def _object_in(response: VendorResponse) -> Json:
    try:
        return as_object(response.json())
    except ConnectorError as error:
        raise CheckFailedError("wrong_type", "The answer is not JSON.") from error


def _failed(error: RejectedError) -> CheckFailedError:
    code = "not_found" if error.status in _NOT_FOUND else "vendor_error"
    return CheckFailedError(code, error.message)
