"""Zendesk over HTTP: the Conversations API v2, and the little that is asked of the Support API."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    RejectedError,
)
from integrations.http.client import REQUEST_SECONDS, FormData, HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.waiting import RateBudget

UPLOAD_SECONDS = 60.0
_MAX_PAGES = 5

# Where Zendesk's statuses mean something else than elsewhere.
_CONVERSATION_STATUSES: StatusTable = {
    # Zendesk names what it has not found (_CODES): any other 404 is not about this.
    404: CannotConnectError,
    410: ConversationGoneError,
    423: ConversationGoneError,  # 30,000 messages: nothing more is taken
}
_CONTROL_STATUSES: StatusTable = {404: InvalidRoutingError}
_EXISTS_ALREADY = 409
_NOT_IN_CONTROL = 403
_GONE = (404, 410)
# Codes that say more than their status 404; each with the credential field at fault, if any.
_CODES: dict[str, tuple[type[ConnectorError], str]] = {
    "app_not_found": (RejectedError, "app_id"),
    "conversation_not_found": (ConversationGoneError, ""),
    "user_not_found": (RejectedError, ""),
    "switchboard_not_found": (InvalidRoutingError, "switchboard_integration_name"),
    "switchboard_integration_not_found": (InvalidRoutingError, "switchboard_integration_name"),
}
_FIELDS = {401: "key_secret"}


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
        self.headers = _basic(key_id, key_secret)

    async def create_user(self, body: Json) -> Json | None:
        """Create the user and return it; None when one with this external id exists already."""
        returns = (_EXISTS_ALREADY,)
        response = await self._request("create_user", "POST", "/users", json=body, returns=returns)
        return None if response.status == _EXISTS_ALREADY else _object_in(response, "user")

    async def get_user(self, external_id: str) -> Json:
        """Return the user with an external id; empty when Zendesk has none."""
        path = f"/users/{quote(external_id, safe='')}"
        response = await self._request("get_user", "GET", path, returns=_GONE)
        return {} if response.status in _GONE else _object_in(response, "user")

    async def list_participants(self, conversation_id: str) -> list[Json]:
        """Return who takes part in a conversation on the end user's side."""
        path = f"{conversation_id}/participants"
        response = await self._on_conversation("list_participants", "GET", path)
        return _objects_in(response, "participants")

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
        return _object_in(response, "conversation")

    async def get_conversation(self, conversation_id: str) -> Json:
        """Return a conversation; raises ConversationGoneError when there is none."""
        response = await self._on_conversation("get_conversation", "GET", conversation_id)
        return _object_in(response, "conversation")

    async def post_message(self, conversation_id: str, body: Json) -> list[Json]:
        """Post a message and return what it became: some channels split it."""
        path = f"{conversation_id}/messages"
        response = await self._on_conversation("post_message", "POST", path, body)
        return _objects_in(response, "messages")

    async def list_messages(self, conversation_id: str) -> list[Json]:
        """Return the newest page of messages."""
        path = f"{conversation_id}/messages"
        response = await self._on_conversation("list_messages", "GET", path)
        return _objects_in(response, "messages")

    async def post_activity(self, conversation_id: str, body: Json) -> None:
        """Post an activity: that something was read."""
        await self._on_conversation("post_activity", "POST", f"{conversation_id}/activity", body)

    async def pass_control(self, conversation_id: str, target: str, metadata: Json) -> None:
        """Make another integration the active one; raises InvalidRoutingError for an unknown."""
        await self._control("pass_control", f"{conversation_id}/passControl", target, metadata)

    async def offer_control(self, conversation_id: str, target: str, metadata: Json) -> None:
        """Make an integration the pending one, which then gets the conversation's events."""
        await self._control("offer_control", f"{conversation_id}/offerControl", target, metadata)

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
        # Quoting would percent-encode the name, which Zendesk takes as it is.
        form = FormData(quote_fields=False)
        form.add_field("source", content, filename=file_name, content_type=mime_type)
        response = await self._request(
            "upload_attachment",
            "POST",
            "/attachments",
            data=form,
            params={"access": "public", "for": "message", "conversationId": conversation_id},
            timeout=UPLOAD_SECONDS,
        )
        return _object_in(response, "attachment")

    async def list_webhooks(self, integration: str) -> list[Json]:
        """Return an integration's webhooks; `me` stands for the key's own integration."""
        return await self._list(
            "list_webhooks", f"/integrations/{integration}/webhooks", "webhooks"
        )

    async def get_integration(self, integration_id: str) -> Json:
        """Return an integration; needs a key of the app's scope."""
        path = f"/integrations/{integration_id}"
        return _object_in(await self._request("get_integration", "GET", path), "integration")

    async def list_switchboards(self) -> list[Json]:
        """Return the app's switchboards; needs a key of the app's scope."""
        return await self._list("list_switchboards", "/switchboards", "switchboards")

    async def list_switchboard_integrations(self, switchboard_id: str) -> list[Json]:
        """Return who takes part in a switchboard; needs a key of the app's scope."""
        path = f"/switchboards/{switchboard_id}/switchboardIntegrations"
        return await self._list("list_switchboard_integrations", path, "switchboardIntegrations")

    async def _on_conversation(
        self, operation: str, method: str, path: str, body: Json | None = None
    ) -> VendorResponse:
        path = f"/conversations/{path}"
        return await self._request(
            operation, method, path, json=body, statuses=_CONVERSATION_STATUSES
        )

    async def _control(self, operation: str, path: str, target: str, metadata: Json) -> None:
        body = {"switchboardIntegration": target, "metadata": dict(metadata)}
        path = f"/conversations/{path}"
        await self._request(operation, "POST", path, json=body, statuses=_CONTROL_STATUSES)

    async def _list(self, operation: str, path: str, name: str) -> list[Json]:
        response = await self._request(operation, "GET", path)
        return as_objects(as_object(response.json()).get(name))

    async def _request(
        self, operation: str, method: str, path: str, **options: Any
    ) -> VendorResponse:
        """Call the app under its budget; `options` are those of the HTTP client."""
        async with self._budget.call(operation):
            return await self._http.request(
                operation,
                method,
                f"{self._app}{path}",
                headers=self.headers,
                read_error=zendesk_error,
                **options,
            )


class ZendeskSupportClient:
    """An account's Support API with an e-mail address and its API token."""

    def __init__(self, http: HttpClient, *, base_url: str, email: str, api_token: str) -> None:
        """Keep address and token."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._headers = _basic(f"{email}/token", api_token)

    async def users_me(self, *, timeout: float = REQUEST_SECONDS) -> Json:
        """Return the user behind the token; an anonymous one when Zendesk knows neither."""
        return await self._user("users_me", "me", timeout)

    async def user_name(self, user_id: str) -> str:
        """Return the name by which end users know a user."""
        user = await self._user("user_name", user_id, REQUEST_SECONDS)
        return as_text(user.get("alias")) or as_text(user.get("name"))

    async def add_note(self, ticket_id: str, text: str) -> None:
        """Add to a ticket what only live agents read."""
        await self._http.request(
            "add_note",
            "PUT",
            f"{self._base_url}/api/v2/tickets/{ticket_id}.json",
            headers=self._headers,
            json={"ticket": {"comment": {"body": text, "public": False}}},
        )

    async def _user(self, operation: str, user_id: str, timeout: float) -> Json:
        url = f"{self._base_url}/api/v2/users/{user_id}.json"
        response = await self._http.request(
            operation, "GET", url, headers=self._headers, timeout=timeout
        )
        return _object_in(response, "user")


def zendesk_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Choose the error for a refusal by its status, or by the code of what was not found."""
    error = status_error(response, statuses)
    field = _FIELDS.get(response.status, "")
    if response.status == 404 and error.vendor_code in _CODES:
        kind, field = _CODES[error.vendor_code]
        error = kind(error.message, status=error.status, vendor_code=error.vendor_code)
    error.field = field
    return error


def _object_in(response: VendorResponse, name: str) -> Json:
    return as_object(as_object(response.json()).get(name))


def _objects_in(response: VendorResponse, name: str) -> list[Json]:
    return as_objects(as_object(response.json()).get(name))


def _basic(user: str, password: str) -> Mapping[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
