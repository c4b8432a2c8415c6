"""The part of the Support API that tickets need: one method for each endpoint."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from integrations.contract.errors import CannotConnectError, ConnectorError, ConversationGoneError
from integrations.http.client import NO_HEADERS, REQUEST_SECONDS, HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.kit.json_values import Json, as_object, as_objects

# Any other 404 is not about a ticket.
_NO_TICKET = "RecordNotFound"
_NOT_FOUND = 404
Headers = Mapping[str, str]


class ZendeskTicketsClient:
    """One account's tickets, with an e-mail address and its API token."""

    def __init__(self, http: HttpClient, *, org_url: str, email: str, api_token: str) -> None:
        """Keep address and token."""
        self._http = http
        self._api = f"{org_url.rstrip('/')}/api/v2"
        pair = base64.b64encode(f"{email}/token:{api_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    async def users_me(self, *, timeout: float = REQUEST_SECONDS) -> Json:
        """Return the user behind the token."""
        response = await self._request("users_me", "GET", "/users/me.json", timeout=timeout)
        return as_object(as_object(response.json()).get("user"))

    async def list_tickets(self, external_id: str) -> list[Json]:
        """Return the tickets with an id of ours."""
        response = await self._request(
            "list_tickets", "GET", "/tickets.json", params={"external_id": external_id}
        )
        return as_objects(as_object(response.json()).get("tickets"))

    async def create_ticket(self, ticket: Json, *, idempotency_key: str) -> Json:
        """Open a ticket; Zendesk answers a repeat under the same key with the first ticket."""
        response = await self._request(
            "create_ticket",
            "POST",
            "/tickets.json",
            json={"ticket": dict(ticket)},
            headers={"Idempotency-Key": idempotency_key},
        )
        return as_object(as_object(response.json()).get("ticket"))

    async def update_ticket(self, ticket_id: str, changes: Json) -> Json:
        """Change a ticket or add a comment to it; raises ConversationGoneError without one."""
        response = await self._request(
            "update_ticket",
            "PUT",
            f"/tickets/{ticket_id}.json",
            json={"ticket": dict(changes)},
        )
        return as_object(as_object(response.json()).get("ticket"))

    async def _request(
        self, operation: str, method: str, path: str, *, headers: Headers = NO_HEADERS, **more: Any
    ) -> VendorResponse:
        return await self._http.request(
            operation,
            method,
            f"{self._api}{path}",
            headers={**self._headers, **headers},
            read_error=_tickets_error,
            **more,
        )


def _tickets_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: a ticket that is gone has a name of its own."""
    error = status_error(response, statuses)
    if response.status != _NOT_FOUND:
        return error
    kind = ConversationGoneError if error.vendor_code == _NO_TICKET else CannotConnectError
    return kind(error.message, status=error.status, vendor_code=error.vendor_code)
