"""What may be wrong with credentials: first their form, then five questions to Salesforce."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping

from integrations.contract.checks import CALL_SECONDS, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
    RejectedError,
)
from integrations.contract.failures import CheckCode
from integrations.http.client import HttpClient
from integrations.http.org_access import Grant, OrgAccess
from integrations.kit.conversation_entries.opening import pairs_error
from integrations.kit.pasted import bare_address, key_error, mended_key
from integrations.vendors.salesforce_byoc.client.access import CLIENT_CREDENTIALS
from integrations.vendors.salesforce_byoc.client.cometd import NEW_ONLY, CometdClient
from integrations.vendors.salesforce_byoc.client.interactions import (
    LICENCE_CODES,
    InteractionClient,
    now,
)

_MY_DOMAIN, _SCRT = ".my.salesforce.com", ".my.salesforce-scrt.com"
_MISSPELT = "salesforce-srct"
_NEEDED = {
    True: (("private_key", "Private key"), ("integration_user", "Integration user")),
    False: (("consumer_secret", "Consumer Secret"),),
}
_CODES: Mapping[str, CheckCode] = {
    "missing_permission": "missing_permission",
    "wrong_region": "wrong_region",
    "disabled": "disabled",
    "rejected": "rejected",
}


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept, notices = dict(values), []
    for name in ("instance_url", "scrt_url"):
        if url := kept.get(name, "").strip():
            kept[name], changes = bare_address(url)
            notices += changes
    if kept.get("scrt_url", "").endswith(_MY_DOMAIN):
        kept["scrt_url"] = kept["scrt_url"].removesuffix(_MY_DOMAIN) + _SCRT
        notices.append("The Messaging URL was changed to the messaging host.")
    if len(org_id := kept.get("org_id", "").strip()) == 18:
        kept["org_id"] = org_id[:15]
        notices.append("The organization ID was cut to its first 15 characters, the API's form.")
    if key := kept.get("private_key", ""):
        kept["private_key"], changes = mended_key(key)
        notices += changes
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    errors = {"routing_attributes": pairs_error(values.get("routing_attributes", ""))}
    if _MISSPELT in values.get("scrt_url", "").lower():
        errors["scrt_url"] = (
            "The host is misspelt: it says salesforce-srct. Write salesforce-scrt, as in "
            "https://birchline.my.salesforce-scrt.com."
        )
    is_jwt = values.get("oauth_flow") != CLIENT_CREDENTIALS
    for name, label in _NEEDED[is_jwt]:
        if not values.get(name, "").strip():
            errors[name] = f"{label} is missing. The chosen OAuth flow needs it."
    if (key := values.get("private_key", "").strip()) and is_jwt:
        errors["private_key"] = key_error(key)
    return {name: error for name, error in errors.items() if error}


class ConnectionChecks:
    """One run of Test connection, which writes nothing; each check builds on those before."""

    def __init__(
        self,
        http: HttpClient,
        access: OrgAccess,
        client: InteractionClient,
        credentials: Mapping[str, str],
    ) -> None:
        """Share the connector's parts."""
        self._http = http
        self._access = access
        self._client = client
        self._credentials = credentials
        self._grant: Grant | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        return run_checks(
            [
                ("token", self._token),
                ("organization", self._organization),
                ("channel", self._channel),
                ("interaction", self._interaction),
                ("events", self._events),
            ]
        )

    async def _token(self) -> str:
        try:
            grant = await self._access.grant(timeout=CALL_SECONDS)
        except ConnectorError as error:
            if code := _CODES.get(error.reason):
                raise CheckFailedError(code, f"Salesforce says {error.vendor_code}.") from error
            raise
        await self._access.keep(grant)
        self._grant = grant
        return ""

    async def _organization(self) -> str:
        grant = self._granted()
        if grant.org_id and grant.org_id[:15] != self._client.org_id:
            self._grant = None
            raise CheckFailedError("invalid_routing", "The token is of another organization.")
        return ""

    async def _channel(self) -> str:
        self._granted()
        named = self._client.channel.replace("\\", "\\\\").replace("'", "\\'")
        soql = f"SELECT Id FROM MessagingChannel WHERE ChannelAddressIdentifier = '{named}'"  # noqa: S608 - escaped as SOQL asks
        try:
            found = await self._client.query(soql, timeout=CALL_SECONDS)
        except RejectedError as error:
            raise CheckFailedError("missing_permission", error.vendor_code) from error
        if not found:
            raise CheckFailedError("invalid_routing")
        return ""

    async def _interaction(self) -> str:
        """Ask for a conversation that is not there: being told so proves everything else."""
        self._granted()
        try:
            await self._client.entries(
                str(uuid.uuid4()), now(), timeout=CALL_SECONDS, expects=(ConversationGoneError,)
            )
        except ConversationGoneError:
            return ""
        except MissingPermissionError as error:
            if error.vendor_code in LICENCE_CODES:
                raise CheckFailedError("licence", f"Code {error.vendor_code}.") from error
            raise
        return ""

    async def _events(self) -> str:
        client = CometdClient(
            self._http,
            instance_url=self._credentials.get("instance_url", ""),
            token=self._granted().token,
        )
        await client.handshake(timeout=CALL_SECONDS)
        await client.subscribe(
            self._credentials.get("event_topic", ""), NEW_ONLY, timeout=CALL_SECONDS
        )
        await client.disconnect()
        return ""

    def _granted(self) -> Grant:
        if self._grant is None:
            raise CheckFailedError("skipped")
        return self._grant
