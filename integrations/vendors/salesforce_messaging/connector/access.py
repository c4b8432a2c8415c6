"""How Salesforce lets us in: each conversation's token, and what may be wrong with credentials."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar
from weakref import WeakValueDictionary

from integrations.contract.checks import CALL_SECONDS, Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult, TokenCache, VendorSession
from integrations.contract.errors import ConversationGoneError, InvalidAuthError
from integrations.contract.failures import CheckCode
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.conversation_entries.opening import pairs_error
from integrations.kit.json_values import as_object, as_text
from integrations.kit.pasted import bare_address, key_error, mended_key, split_address
from integrations.kit.signatures import signed_jwt
from integrations.vendors.salesforce_messaging.client import (
    AccessToken,
    SalesforceMessagingClient,
    token_from_answer,
)
from integrations.vendors.salesforce_messaging.manifest import MANIFEST, VERIFIED

Answer = TypeVar("Answer")
PROBE_SUBJECT = "connection-test"
_REFUSALS = (400, 401, 403, 404)
SCRT_SUFFIX = ".my.salesforce-scrt.com"
_MY_DOMAIN_SUFFIX = ".my.salesforce.com"
_MISSPELT = "salesforce-srct"


class ConversationTokens:
    """Finds, makes and renews the token under which a conversation was created.

    A verified end user can be given a new token at any time. An anonymous one is a different end
    user with every new token, to whom the old conversation does not exist.
    """

    def __init__(
        self,
        *,
        client: SalesforceMessagingClient,
        http: HttpClient,
        cache: TokenCache,
        credentials: Mapping[str, str],
    ) -> None:
        """Share the connector's client and cache."""
        self._client = client
        self._http = http
        self._cache = cache
        self._credentials = credentials
        # One for each conversation, gone with its last user: nobody waits for another one's token.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open(self, conversation_id: str, *, subject: str) -> AccessToken:
        """Return the token of an earlier try, or a new one; `subject` asks for a verified one."""
        async with self._lock(conversation_id):
            found = await self._cached(conversation_id)
            return found or await self._make(conversation_id, subject)

    async def current(self, session: VendorSession) -> AccessToken:
        """Return a token for an open conversation; raises ConversationGoneError when none can."""
        async with self._lock(session.vendor_conversation_id):
            found = await self._cached(session.vendor_conversation_id)
            return found or await self._replace(session)

    async def renew(self, session: VendorSession, stale: AccessToken) -> AccessToken:
        """Return a token other than `stale`; raises ConversationGoneError when none can be had."""
        async with self._lock(session.vendor_conversation_id):
            found = await self._cached(session.vendor_conversation_id)
            if found is not None and found.value != stale.value:
                return found
            return await self._replace(session)

    async def using(
        self, session: VendorSession, call: Callable[[AccessToken], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token, and once more with a new one if it was refused."""
        token = await self.current(session)
        try:
            return await call(token)
        except InvalidAuthError:
            return await call(await self.renew(session, token))

    async def is_known(self, conversation_id: str) -> bool:
        """Say whether there is a token that has not expired."""
        return await self._cached(conversation_id) is not None

    async def forget(self, conversation_id: str) -> None:
        """Drop the token of a conversation that is over."""
        await self._cache.delete(_name(conversation_id))

    def _lock(self, conversation_id: str) -> asyncio.Lock:
        return self._locks.setdefault(conversation_id, asyncio.Lock())

    async def _cached(self, conversation_id: str) -> AccessToken | None:
        text = await self._cache.get(_name(conversation_id))
        return AccessToken.load(text) if text else None

    async def _replace(self, session: VendorSession) -> AccessToken:
        subject = session.state.get("subject")
        if not isinstance(subject, str) or not subject:
            raise ConversationGoneError("access_token: an anonymous end user's token has expired")
        token = await self._make(session.vendor_conversation_id, subject)
        if not token.is_authenticated:
            raise ConversationGoneError("access_token: Salesforce no longer verifies the end user")
        return token

    async def _make(self, conversation_id: str, subject: str) -> AccessToken:
        signed = customer_identity_token(self._credentials, subject) if subject else ""
        token = await self._client.access_token(signed)
        if subject and not token.is_authenticated:
            self._http.note("authenticated_access_token", "verification_ignored")
        life = max(token.expires_at - time.time(), 1.0)
        await self._cache.set(_name(conversation_id), token.dump(), life)
        return token


def _name(conversation_id: str) -> str:
    return f"conversation:{conversation_id}"


def customer_identity_token(credentials: Mapping[str, str], subject: str) -> str:
    """Sign who the end user is; raises InvalidAuthError when the key cannot sign."""
    return signed_jwt(
        {"iss": credentials.get("jwt_issuer", ""), "sub": subject},
        credentials.get("jwt_private_key", ""),
        seconds=int(credentials.get("jwt_ttl_seconds") or 300),
        algorithm=credentials.get("jwt_alg") or "RS256",
        key_id=credentials.get("jwt_key_id", ""),
        field="jwt_private_key",
    )


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
        "routing_attributes": pairs_error(values.get("routing_attributes", "")),
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
            signed, timeout=CALL_SECONDS, refusals=_REFUSALS
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
