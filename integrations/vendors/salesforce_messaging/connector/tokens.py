"""Keeps one token for each conversation, so that every worker speaks as the same end user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from weakref import WeakValueDictionary

from integrations.contract.connector import TokenCache, VendorSession
from integrations.contract.errors import ConversationGoneError, InvalidAuthError
from integrations.http.client import HttpClient
from integrations.kit.signatures import signed_jwt
from integrations.vendors.salesforce_messaging.client import SalesforceMessagingClient
from integrations.vendors.salesforce_messaging.mapping.start import AccessToken

Answer = TypeVar("Answer")


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
