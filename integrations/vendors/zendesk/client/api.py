"""The Conversations API v2 over HTTP: one method for each endpoint."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping

from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidRoutingError,
    RateLimitedError,
)
from integrations.http.client import REQUEST_SECONDS, FormData, HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse
from integrations.vendors.zendesk.client.budget import RateBudget
from integrations.vendors.zendesk.client.errors import zendesk_error
from integrations.vendors.zendesk.mapping.json import Json, as_object, as_objects, as_text

UPLOAD_SECONDS = 60.0
_MAX_PAGES = 5

# Where Zendesk's statuses mean something else than elsewhere.
_CONVERSATION_STATUSES: StatusTable = {
    # Zendesk names what it has not found (client_errors.py): any other 404 is not about this.
    404: CannotConnectError,
    410: ConversationGoneError,
    423: ConversationGoneError,  # 30,000 messages: nothing more is taken
}
_CONTROL_STATUSES: StatusTable = {404: InvalidRoutingError}
_EXISTS_ALREADY = 409
_NOT_IN_CONTROL = 403
_GONE = (404, 410)


class ZendeskMessagingClient:
    """One app's API with an API key pair."""

    def __init__(
        self,
        http: HttpClient,
        *,
        base_url: str,
        app_id: str,
        key_id: str,
        key_secret: str,
        budget: RateBudget,
    ) -> None:
        """Keep address and key; `base_url` ends before /v2."""
        self._http = http
        self._budget = budget
        self._app = f"{base_url.rstrip('/')}/v2/apps/{app_id}"
        pair = base64.b64encode(f"{key_id}:{key_secret}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}"}

    async def create_user(self, body: Json) -> bool:
        """Create the user; False when one with this external id exists already."""
        response = await self._request(
            "create_user", "POST", "/users", json=body, returns=(_EXISTS_ALREADY,)
        )
        return response.status != _EXISTS_ALREADY

    async def list_conversations(self, user_external_id: str) -> list[Json]:
        """Return a user's conversations; none for a user who is not there."""
        params = {"filter[userExternalId]": user_external_id, "page[size]": "100"}
        found: list[Json] = []
        for _ in range(_MAX_PAGES):
            response = await self._request(
                "list_conversations", "GET", "/conversations", params=params, returns=_GONE
            )
            if response.status in _GONE:
                return found
            page = as_object(response.json())
            found += as_objects(page.get("conversations"))
            meta = as_object(page.get("meta"))
            params["page[after]"] = as_text(meta.get("afterCursor"))
            if meta.get("hasMore") is not True or not params["page[after]"]:
                return found
        return found

    async def create_conversation(self, body: Json) -> Json:
        """Create a conversation and return it."""
        response = await self._request("create_conversation", "POST", "/conversations", json=body)
        return as_object(as_object(response.json()).get("conversation"))

    async def get_conversation(self, conversation_id: str) -> Json:
        """Return a conversation; raises ConversationGoneError when there is none."""
        response = await self._request(
            "get_conversation",
            "GET",
            f"/conversations/{conversation_id}",
            statuses=_CONVERSATION_STATUSES,
        )
        return as_object(as_object(response.json()).get("conversation"))

    async def post_message(self, conversation_id: str, body: Json) -> list[Json]:
        """Post a message and return what it became: some channels split it."""
        response = await self._request(
            "post_message",
            "POST",
            f"/conversations/{conversation_id}/messages",
            json=body,
            statuses=_CONVERSATION_STATUSES,
        )
        return as_objects(as_object(response.json()).get("messages"))

    async def list_messages(self, conversation_id: str) -> list[Json]:
        """Return the newest page of messages."""
        response = await self._request(
            "list_messages",
            "GET",
            f"/conversations/{conversation_id}/messages",
            statuses=_CONVERSATION_STATUSES,
        )
        return as_objects(as_object(response.json()).get("messages"))

    async def post_activity(self, conversation_id: str, body: Json) -> None:
        """Post an activity: that something was read."""
        await self._request(
            "post_activity",
            "POST",
            f"/conversations/{conversation_id}/activity",
            json=body,
            statuses=_CONVERSATION_STATUSES,
        )

    async def pass_control(self, conversation_id: str, target: str, metadata: Json) -> None:
        """Make another integration the active one; raises InvalidRoutingError for an unknown."""
        await self._control("pass_control", "passControl", conversation_id, target, metadata)

    async def offer_control(self, conversation_id: str, target: str, metadata: Json) -> None:
        """Make an integration the pending one, which then gets the conversation's events."""
        await self._control("offer_control", "offerControl", conversation_id, target, metadata)

    async def release_control(self, conversation_id: str, metadata: Json) -> None:
        """Leave the conversation to nobody; not being in control is fine."""
        await self._request(
            "release_control",
            "POST",
            f"/conversations/{conversation_id}/releaseControl",
            json={"metadata": dict(metadata)},
            returns=(_NOT_IN_CONTROL, *_GONE),
        )

    async def upload_attachment(
        self, conversation_id: str, *, file_name: str, mime_type: str, content: bytes
    ) -> Json:
        """Upload a file for a message of this conversation; returns mediaUrl and mediaType."""
        form = FormData()
        form.add_field("source", content, filename=file_name, content_type=mime_type)
        response = await self._request(
            "upload_attachment",
            "POST",
            "/attachments",
            data=form,
            params={"access": "public", "for": "message", "conversationId": conversation_id},
            timeout=UPLOAD_SECONDS,
        )
        return as_object(as_object(response.json()).get("attachment"))

    async def list_webhooks(self, integration: str) -> list[Json]:
        """Return an integration's webhooks; `me` stands for the key's own integration."""
        response = await self._request(
            "list_webhooks", "GET", f"/integrations/{integration}/webhooks"
        )
        return as_objects(as_object(response.json()).get("webhooks"))

    async def get_integration(self, integration_id: str) -> Json:
        """Return an integration; needs a key of the app's scope."""
        response = await self._request("get_integration", "GET", f"/integrations/{integration_id}")
        return as_object(as_object(response.json()).get("integration"))

    async def list_switchboards(self) -> list[Json]:
        """Return the app's switchboards; needs a key of the app's scope."""
        response = await self._request("list_switchboards", "GET", "/switchboards")
        return as_objects(as_object(response.json()).get("switchboards"))

    async def list_switchboard_integrations(self, switchboard_id: str) -> list[Json]:
        """Return who takes part in a switchboard; needs a key of the app's scope."""
        response = await self._request(
            "list_switchboard_integrations",
            "GET",
            f"/switchboards/{switchboard_id}/switchboardIntegrations",
        )
        return as_objects(as_object(response.json()).get("switchboardIntegrations"))

    async def _control(
        self, operation: str, action: str, conversation_id: str, target: str, metadata: Json
    ) -> None:
        await self._request(
            operation,
            "POST",
            f"/conversations/{conversation_id}/{action}",
            json={"switchboardIntegration": target, "metadata": dict(metadata)},
            statuses=_CONTROL_STATUSES,
        )

    async def _request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        data: FormData | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
        statuses: StatusTable = NO_STATUSES,
        returns: Collection[int] = (),
    ) -> VendorResponse:
        await self._budget.admit(operation)
        try:
            response = await self._http.request(
                operation,
                method,
                f"{self._app}{path}",
                headers=self.headers,
                json=json,
                data=data,
                params=params,
                timeout=timeout,
                statuses=statuses,
                returns=returns,
                read_error=zendesk_error,
            )
        except RateLimitedError as error:
            error.retry_after = self._budget.refused(error.retry_after)
            raise
        self._budget.relax()
        return response
