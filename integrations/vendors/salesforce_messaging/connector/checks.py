"""Test connection for Salesforce Messaging: four questions, none of which writes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from integrations.contract.checks import CALL_SECONDS, Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.json_values import as_object, as_text
from integrations.vendors.salesforce_messaging.client import (
    AccessToken,
    SalesforceMessagingClient,
    token_from_answer,
)
from integrations.vendors.salesforce_messaging.connector.tokens import customer_identity_token
from integrations.vendors.salesforce_messaging.manifest import VERIFIED

PROBE_SUBJECT = "connection-test"
_REFUSALS = (400, 401, 403, 404)


class ConnectionChecks:
    """One run of the test; keeps the tokens between its checks."""

    def __init__(
        self,
        *,
        client: SalesforceMessagingClient,
        http: HttpClient,
        credentials: Mapping[str, str],
    ) -> None:
        """Share the connector's client."""
        self._client = client
        self._http = http
        self._credentials = credentials
        self._has_answered = False
        self._token: AccessToken | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        checks: list[tuple[str, Check]] = [("reach", self._reach), ("token", self._anonymous_token)]
        if self._credentials.get("mode") == VERIFIED:
            checks.append(("verified_token", self._verified_token))
        return run_checks([*checks, ("stream", self._stream)])

    async def _reach(self) -> str:
        await self._client.reach(timeout=CALL_SECONDS)
        self._has_answered = True
        return ""

    async def _anonymous_token(self) -> str:
        self._need(self._has_answered)
        self._token = await self._token_for("")
        return ""

    async def _verified_token(self) -> str:
        self._need(self._has_answered)
        token = await self._token_for(customer_identity_token(self._credentials, PROBE_SUBJECT))
        if not token.is_authenticated:
            raise CheckFailedError("auth", "Salesforce answered with an anonymous token.")
        self._token = self._token or token
        return ""

    async def _stream(self) -> str:
        token = self._token
        if token is None:
            raise CheckFailedError("skipped")
        async with self._client.events(
            token, token.last_event_id, idle_timeout=CALL_SECONDS, open_timeout=CALL_SECONDS
        ):
            return ""  # being let in is all that is asked

    async def _token_for(self, signed: str) -> AccessToken:
        response = await self._client.access_token_answer(
            signed, timeout=CALL_SECONDS, returns=_REFUSALS
        )
        if response.status in _REFUSALS:
            raise self._refusal(response)
        return token_from_answer(response.json(), was_signed=bool(signed))

    def _refusal(self, response: VendorResponse) -> CheckFailedError:
        words = self._http.without_secrets(_words(response))
        detail = f"Salesforce answered {response.status}" + (f": {words}" if words else ".")
        return CheckFailedError(_refusal_code(response.status, words.lower()), detail)

    @staticmethod
    def _need(is_there: bool) -> None:
        if not is_there:
            raise CheckFailedError("skipped")


def _refusal_code(status: int, words: str) -> str:
    if status == 401:
        return "auth"
    if status == 403:
        return "forbidden"
    if "type" in words and "api" in words:
        return "wrong_type"
    return "not_published" if "publish" in words else "not_found"


def _words(response: VendorResponse) -> str:
    """Return what Salesforce says, from JSON or as plain text; never a page of HTML."""
    text = response.body.decode("utf-8", errors="replace").strip()
    if text.startswith("{"):
        return as_text(as_object(response.json()).get("message"))
    return "" if text.startswith("<") else text
