"""Genesys Cloud's API over HTTP: a token, a budget of requests, one method for each endpoint."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from integrations.contract.connector import TokenCache
from integrations.contract.errors import (
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.waiting import RateBudget, RateTiming

# Where Genesys's statuses mean something else than elsewhere.
_ROUTING_STATUSES = {404: InvalidRoutingError}
_CONVERSATION_STATUSES = {404: ConversationGoneError, 410: ConversationGoneError}
_CHANNEL_STATUSES = dict.fromkeys((401, 403, 404, 410), ConversationGoneError)
_ALREADY_OVER = (404, 409)
BATCH = 20

RENEW_BEFORE_SECONDS = 300
_NAME = "access_token"
# A wrong client and a wrong region look alike: neither knows the other's ids.
_TOKEN_STATUSES = {400: InvalidAuthError, 403: InvalidAuthError, 404: InvalidAuthError}

# Together they are 300 in the worst minute.
BURST = 150.0
PER_SECOND = 2.5
RESERVE = 30.0
# Where Genesys does not say for how long.
PAUSES = RateTiming(first=15.0, longest=60.0)


class GenesysClient:
    """One organization's API as one client sees it."""

    def __init__(
        self, http: HttpClient, *, cache: TokenCache, credentials: Mapping[str, str]
    ) -> None:
        """Find the region's hosts; one token and one budget serve all conversations."""
        self._http = http
        self.hosts = hosts_for(credentials)
        self.budget = CallBudget(
            RateBudget(PAUSES, account=credentials.get("client_id", ""), store=http.pauses)
        )
        self.tokens = AccessTokens(
            http, cache=cache, login_url=self.hosts.login, credentials=credentials
        )
        self._integration_id = credentials.get("integration_id", "")
        self._api = f"{self.hosts.api}/api/v2"
        self._messages = f"{self._api}/conversations/messages"
        self._inbound = f"{self._messages}/{self._integration_id}/inbound/open"

    async def inbound_message(
        self, body: Mapping[str, object], *, returns: Collection[int] = ()
    ) -> Json:
        """Say something as the end user; the answer names message and conversation."""
        response = await self._call(
            "inbound_message",
            "POST",
            f"{self._inbound}/message",
            json=body,
            params={"prefetchConversationId": "true"},
            statuses=_ROUTING_STATUSES,
            returns=returns,
        )
        return as_object(response.json())

    async def structured_response(self, body: Mapping[str, object]) -> Json:
        """Answer what a message offered; the answer names no conversation."""
        url = f"{self._inbound}/structured/response"
        response = await self._call("structured_response", "POST", url, json=body)
        return as_object(response.json())

    async def inbound_event(self, body: Mapping[str, object]) -> None:
        """Show the end user's typing."""
        await self._call("inbound_event", "POST", f"{self._inbound}/event", json=body)

    async def inbound_receipt(self, body: Mapping[str, object]) -> None:
        """Confirm a message."""
        await self._call("inbound_receipt", "POST", f"{self._inbound}/receipt", json=body)

    async def conversation(self, conversation_id: str) -> Json:
        """Return a conversation; raises ConversationGoneError when Genesys knows none."""
        url = f"{self._messages}/{conversation_id}"
        return await self._get("conversation", url, _CONVERSATION_STATUSES)

    async def message_details(self, message_id: str) -> Json:
        """Return a message of which only the id is known."""
        url = f"{self._messages}/{message_id}/details"
        return await self._get("message_details", url)

    async def messages_bulk(self, conversation_id: str, message_ids: Sequence[str]) -> list[Json]:
        """Return messages of a conversation by their ids, in as many requests as that takes."""
        found: list[Json] = []
        for first in range(0, len(message_ids), BATCH):
            response = await self._call(
                "messages_bulk",
                "POST",
                f"{self._messages}/{conversation_id}/messages/bulk",
                json=list(message_ids[first : first + BATCH]),
                params={"useNormalizedMessage": "true"},
                statuses=_CONVERSATION_STATUSES,
            )
            found += as_objects(as_object(response.json()).get("entities"))
        return found

    async def disconnect(
        self, conversation_id: str, participant_id: str, *, returns: Collection[int] = _ALREADY_OVER
    ) -> VendorResponse:
        """End one participant's part; one that is over already is fine."""
        return await self._call(
            "disconnect",
            "PATCH",
            f"{self._messages}/{conversation_id}/participants/{participant_id}",
            json={"state": "disconnected"},
            returns=returns,
        )

    async def create_channel(self) -> Json:
        """Make a notification channel."""
        url = f"{self._api}/notifications/channels"
        return as_object((await self._call("create_channel", "POST", url, json={})).json())

    async def subscribe(
        self, channel_id: str, topics: Sequence[str], *, is_replacing: bool
    ) -> list[Json]:
        """Add topics to a channel, or put them in the place of all others."""
        response = await self._call(
            "replace_subscriptions" if is_replacing else "add_subscriptions",
            "PUT" if is_replacing else "POST",
            f"{self._api}/notifications/channels/{channel_id}/subscriptions",
            json=[{"id": topic} for topic in topics],
            statuses={404: ConversationGoneError},
        )
        return as_objects(as_object(response.json()).get("entities"))

    def notifications(
        self, connect_uri: str, *, idle_timeout: float
    ) -> AbstractAsyncContextManager[VendorSocket]:
        """Open a channel's socket, at the very address that Genesys gave."""
        return self._http.websocket(
            "notifications", connect_uri, idle_timeout=idle_timeout, statuses=_CHANNEL_STATUSES
        )

    async def user(self, user_id: str) -> Json:
        """Return a live agent."""
        url = f"{self._api}/users/{user_id}"
        return await self._get("user", url)

    async def integration(self) -> Json:
        """Return the Open Messaging integration."""
        url = f"{self._api}/conversations/messaging/integrations/open/{self._integration_id}"
        return await self._get("integration", url, _ROUTING_STATUSES)

    async def recipient(self, recipient_id: str) -> Json:
        """Return where messages to an integration are routed."""
        url = f"{self._api}/routing/message/recipients/{recipient_id}"
        return await self._get("recipient", url, _ROUTING_STATUSES)

    async def queue(self, queue_id: str) -> Json:
        """Return a queue."""
        url = f"{self._api}/routing/queues/{queue_id}"
        return await self._get("queue", url, _ROUTING_STATUSES)

    async def estimated_wait(self, queue_id: str) -> Json:
        """Return Genesys's guess of how long a message waits in a queue."""
        url = f"{self._api}/routing/queues/{queue_id}/mediatypes/message/estimatedwaittime"
        return await self._get("estimated_wait", url, _ROUTING_STATUSES)

    async def queue_observations(self, queue_id: str) -> Json:
        """Return how many live agents are on a queue."""
        predicate = {"type": "dimension", "dimension": "queueId", "value": queue_id}
        query = {
            "filter": {"type": "and", "predicates": [predicate]},
            "metrics": ["oOnQueueUsers"],
        }
        url = f"{self._api}/analytics/queues/observations/query"
        response = await self._call(
            "queue_observations", "POST", url, json=query, statuses=_ROUTING_STATUSES
        )
        return as_object(response.json())

    async def _get(self, operation: str, url: str, statuses: StatusTable = NO_STATUSES) -> Json:
        return as_object((await self._call(operation, "GET", url, statuses=statuses)).json())

    async def _call(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        statuses: StatusTable = NO_STATUSES,
        returns: Collection[int] = (),
    ) -> VendorResponse:
        """Send one request under the token, and once more under a new one if it was refused."""

        async def send(token: str) -> VendorResponse:
            self.budget.spend()
            return await self._http.request(
                operation,
                method,
                url,
                headers={"Authorization": f"Bearer {token}"},
                json=json,
                params=params,
                statuses=statuses,
                returns=returns,
            )

        token = await self.tokens.current()
        async with self.budget.pauses.call(operation):
            try:
                return await send(token)
            except InvalidAuthError:
                return await send(await self.tokens.renew(token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The addresses of one organization's region."""

    login: str
    api: str


def hosts_for(credentials: Mapping[str, str]) -> Hosts:
    """Return the region's hosts, or those that replace them on a developer's machine."""
    # A draft under test may lack its region: no such host, say the checks.
    domain = credentials.get("region") or "region.invalid"
    api = credentials.get("api_base_url", "").rstrip("/")
    login = credentials.get("login_base_url", "").rstrip("/")
    return Hosts(
        login=login or f"https://login.{domain}",
        api=api or f"https://api.{domain}",
    )


class AccessTokens:
    """Finds, makes and renews the one token that all workers of an integration share."""

    def __init__(
        self,
        http: HttpClient,
        *,
        cache: TokenCache,
        login_url: str,
        credentials: Mapping[str, str],
    ) -> None:
        """Keep what a token is made of; a draft under test may lack any of it."""
        self._http = http
        self._cache = cache
        self._url = f"{login_url}/oauth/token"
        pair = f"{credentials.get('client_id', '')}:{credentials.get('client_secret', '')}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
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

    async def answer(self, *, refusals: Collection[int] = ()) -> VendorResponse:
        """Ask for a token; see `refusals` of HttpClient."""
        return await self._http.request(
            "token",
            "POST",
            self._url,
            headers={"Authorization": self._authorization},
            data={"grant_type": "client_credentials"},
            statuses=_TOKEN_STATUSES,
            refusals=refusals,
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
        life = as_count(answer.get("expires_in")) or 0
        await self._cache.set(_NAME, token, max(life - RENEW_BEFORE_SECONDS, life / 2, 1))
        return token


class CallBudget:
    """Lets messages pass always, and makes room for them by holding back everything else.

    Other workers spend from the same 300 unseen, so a refusal by Genesys counts more than our sum.
    """

    def __init__(self, pauses: RateBudget) -> None:
        """Start full; `pauses` are those that Genesys asks for."""
        self.pauses = pauses
        self._left = BURST
        self._counted_at = time.monotonic()

    @property
    def is_tight(self) -> bool:
        """Say whether what is left should be kept for messages."""
        return self.seconds_until_room() > 0

    def spend(self) -> None:
        """Count one request."""
        self._refill()
        self._left = max(self._left - 1, 0.0)

    def seconds_until_room(self, *, is_urgent: bool = False) -> float:
        """Say how long a request should wait; an urgent one waits for Genesys alone."""
        self._refill()
        missing = (0.0 if is_urgent else RESERVE) - self._left
        return max(self.pauses.seconds_left(), missing / PER_SECOND, 0.0)

    async def room(self) -> None:
        """Wait until a request that can wait may go."""
        if (seconds := self.seconds_until_room()) > 0:
            await asyncio.sleep(seconds)
            await self.room()

    def _refill(self) -> None:
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
