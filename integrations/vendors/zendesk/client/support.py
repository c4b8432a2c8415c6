"""The little this connector asks of the Support API, where an API token was given."""

from __future__ import annotations

import base64

from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.vendors.zendesk.mapping.json import Json, as_object, as_text


class ZendeskSupportClient:
    """An account's Support API with an e-mail address and its API token."""

    def __init__(self, http: HttpClient, *, base_url: str, email: str, api_token: str) -> None:
        """Keep address and token."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        pair = base64.b64encode(f"{email}/token:{api_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    async def users_me(self, *, timeout: float = REQUEST_SECONDS) -> Json:
        """Return the user behind the token; an anonymous one when Zendesk knows neither."""
        return await self._user("users_me", "me", timeout)

    async def user_name(self, user_id: str) -> str:
        """Return the name by which end users know a user."""
        user = await self._user("user_name", user_id, REQUEST_SECONDS)
        return as_text(user.get("alias")) or as_text(user.get("name"))

    async def _user(self, operation: str, user_id: str, timeout: float) -> Json:
        response = await self._http.request(
            operation,
            "GET",
            f"{self._base_url}/api/v2/users/{user_id}.json",
            headers=self._headers,
            timeout=timeout,
        )
        return as_object(as_object(response.json()).get("user"))
