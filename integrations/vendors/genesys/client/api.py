"""Genesys Cloud's API over HTTP: one method for each endpoint."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from integrations.contract.errors import (
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    RateLimitedError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse
from integrations.http.socket import VendorSocket
from integrations.vendors.genesys.client.auth import AccessTokens
from integrations.vendors.genesys.client.budget import CallBudget
from integrations.vendors.genesys.mapping.json import Json, as_object, as_objects

# Where Genesys's statuses mean something else than elsewhere.
_INBOUND_STATUSES = {404: InvalidRoutingError}
_CONVERSATION_STATUSES = {404: ConversationGoneError, 410: ConversationGoneError}
_QUEUE_STATUSES = {404: InvalidRoutingError}
_CHANNEL_STATUSES = dict.fromkeys((401, 403, 404, 410), ConversationGoneError)
_ALREADY_OVER = (404, 409)
BATCH = 20


class GenesysClient:
    """One organization's API as one client sees it."""

    def __init__(
        self,
        http: HttpClient,
        *,
        api_url: str,
        integration_id: str,
        tokens: AccessTokens,
        budget: CallBudget,
    ) -> None:
        """Share the connector's tokens and budget."""
        self._http = http
        self._api = f"{api_url}/api/v2"
        self._messages = f"{self._api}/conversations/messages"
        self._inbound = f"{self._messages}/{integration_id}/inbound/open"
        self._integration_id = integration_id
        self._tokens = tokens
        self._budget = budget

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
            statuses=_INBOUND_STATUSES,
            returns=returns,
        )
        return as_object(response.json())

    async def inbound_event(self, body: Mapping[str, object]) -> None:
        """Show the end user's typing."""
        await self._call("inbound_event", "POST", f"{self._inbound}/event", json=body)

    async def inbound_receipt(self, body: Mapping[str, object]) -> None:
        """Confirm a message."""
        await self._call("inbound_receipt", "POST", f"{self._inbound}/receipt", json=body)

    async def conversation(self, conversation_id: str) -> Json:
        """Return a conversation; raises ConversationGoneError when Genesys knows none."""
        response = await self._call(
            "conversation",
            "GET",
            f"{self._messages}/{conversation_id}",
            statuses=_CONVERSATION_STATUSES,
        )
        return as_object(response.json())

    async def message_details(self, message_id: str) -> Json:
        """Return a message of which only the id is known."""
        url = f"{self._messages}/{message_id}/details"
        return as_object((await self._call("message_details", "GET", url)).json())

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
        return as_object((await self._call("user", "GET", url)).json())

    async def integration(self) -> Json:
        """Return the Open Messaging integration."""
        url = f"{self._api}/conversations/messaging/integrations/open/{self._integration_id}"
        response = await self._call("integration", "GET", url, statuses=_INBOUND_STATUSES)
        return as_object(response.json())

    async def recipient(self, recipient_id: str) -> Json:
        """Return where messages to an integration are routed."""
        url = f"{self._api}/routing/message/recipients/{recipient_id}"
        response = await self._call("recipient", "GET", url, statuses=_INBOUND_STATUSES)
        return as_object(response.json())

    async def queue(self, queue_id: str) -> Json:
        """Return a queue."""
        url = f"{self._api}/routing/queues/{queue_id}"
        return as_object((await self._call("queue", "GET", url, statuses=_QUEUE_STATUSES)).json())

    async def estimated_wait(self, queue_id: str) -> Json:
        """Return Genesys's guess of how long a message waits in a queue."""
        url = f"{self._api}/routing/queues/{queue_id}/mediatypes/message/estimatedwaittime"
        response = await self._call("estimated_wait", "GET", url, statuses=_QUEUE_STATUSES)
        return as_object(response.json())

    async def queue_observations(self, queue_id: str) -> Json:
        """Return how many live agents are on a queue."""
        predicate = {"type": "dimension", "dimension": "queueId", "value": queue_id}
        query = {
            "filter": {"type": "and", "predicates": [predicate]},
            "metrics": ["oOnQueueUsers"],
        }
        url = f"{self._api}/analytics/queues/observations/query"
        response = await self._call(
            "queue_observations", "POST", url, json=query, statuses=_QUEUE_STATUSES
        )
        return as_object(response.json())

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
            self._budget.spend()
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

        token = await self._tokens.current()
        try:
            try:
                return await send(token)
            except InvalidAuthError:
                return await send(await self._tokens.renew(token))
        except RateLimitedError as error:
            self._budget.refused(error)
            raise
