"""What may be wrong with credentials: first their form, then four questions to Salesforce."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from integrations.contract.checks import CALL_SECONDS, Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.failures import CheckCode
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.json_values import as_object, as_text
from integrations.kit.pasted import bare_address, key_error, mended_key, split_address
from integrations.vendors.salesforce_messaging.client import SalesforceMessagingClient
from integrations.vendors.salesforce_messaging.connector.tokens import customer_identity_token
from integrations.vendors.salesforce_messaging.manifest import MANIFEST, VERIFIED
from integrations.vendors.salesforce_messaging.mapping.start import (
    MAX_ATTRIBUTE_NAME,
    MAX_ATTRIBUTE_VALUE,
    MAX_ATTRIBUTES,
    AccessToken,
    read_pairs,
    token_from_answer,
)

PROBE_SUBJECT = "connection-test"
_REFUSALS = (400, 401, 403, 404)
SCRT_SUFFIX = ".my.salesforce-scrt.com"
_MY_DOMAIN_SUFFIX = ".my.salesforce.com"
_MISSPELT = "salesforce-srct"


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    if len(org_id := kept.get("org_id", "").strip()) == 18:
        kept["org_id"] = org_id[:15]
        notices.append("The organization ID was cut to its first 15 characters, the API's form.")
    if url := kept.get("scrt_url", "").strip():
        kept["scrt_url"], changes = _normalised_url(url)
        notices += changes
    if key := kept.get("jwt_private_key", ""):
        kept["jwt_private_key"], changes = mended_key(key)
        notices += changes
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    errors = {
        "scrt_url": _url_error(values.get("scrt_url", "")),
        "routing_attributes": _pairs_error(values.get("routing_attributes", "")),
    }
    if values.get("mode") == VERIFIED:
        for field in MANIFEST.fields:
            if VERIFIED in field.required_for_modes and not values.get(field.name, "").strip():
                errors[field.name] = f"{field.label} is missing. User verification needs it."
        if key := values.get("jwt_private_key", "").strip():
            errors["jwt_private_key"] = key_error(key)
    return {name: error for name, error in errors.items() if error}


def _normalised_url(url: str) -> tuple[str, list[str]]:
    bare, notices = bare_address(url)
    if not bare.endswith(_MY_DOMAIN_SUFFIX):
        return bare, notices
    bare = bare.removesuffix(_MY_DOMAIN_SUFFIX) + SCRT_SUFFIX
    host = bare.partition("://")[2]
    return bare, [f"The address was changed to the messaging host, {host}.", *notices]


def _url_error(url: str) -> str:
    if _MISSPELT in url.lower():
        return (
            "The host is misspelt: it says salesforce-srct. "
            "Write salesforce-scrt, as in https://birchline.my.salesforce-scrt.com."
        )
    parts = split_address(url)
    if parts.path or parts.query or parts.fragment:
        return "The address has something behind the host. Enter it without a path."
    return ""


def _pairs_error(text: str) -> str:
    try:
        pairs = read_pairs(text)
    except ValueError:
        return 'The routing attributes are no pairs. Enter them as {"Order_Ref": "BL-20931"}.'
    if len(pairs) > MAX_ATTRIBUTES:
        return f"There are {len(pairs)} routing attributes. Keep {MAX_ATTRIBUTES} at most."
    for name, value in pairs.items():
        if not name or len(name) > MAX_ATTRIBUTE_NAME:
            return f"A name is empty or longer than {MAX_ATTRIBUTE_NAME} characters. Shorten it."
        if len(value) > MAX_ATTRIBUTE_VALUE:
            return f"{name} is longer than {MAX_ATTRIBUTE_VALUE} characters. Shorten its value."
    return ""


class ConnectionChecks:
    """One run of Test connection, which writes nothing; keeps the tokens between its checks."""

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
            raise CheckFailedError("invalid_auth", "Salesforce answered with an anonymous token.")
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


def _refusal_code(status: int, words: str) -> CheckCode:
    if status == 401:
        return "invalid_auth"
    if status == 403:
        return "missing_permission"
    if "type" in words and "api" in words:
        return "wrong_type"
    return "not_published" if "publish" in words else "invalid_routing"


def _words(response: VendorResponse) -> str:
    """Return what Salesforce says, from JSON or as plain text; never a page of HTML."""
    text = response.body.decode("utf-8", errors="replace").strip()
    if text.startswith("{"):
        return as_text(as_object(response.json()).get("message"))
    return "" if text.startswith("<") else text
