"""The calls of Webex Contact Center; one method for each of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from integrations.contract.connector import TokenCache
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse, status_error
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.rotating_tokens import RotatingTokens, TokenPair
from integrations.kit.waiting import RateBudget, RateTiming

DEFAULT_OAUTH_URL = "https://webexapis.com"
# A refresh token lives so long from its issue; one that is used once a week never ends.
REFRESH_SECONDS = 90 * 24 * 3600
PAGE_SIZE = "1000"
_SUBSCRIPTIONS = "/v2/subscriptions"
_REFUSALS: StatusTable = {400: InvalidAuthError, 401: InvalidAuthError, 403: InvalidAuthError}
_GONE: StatusTable = {404: ConversationGoneError}
_UNKNOWN: StatusTable = {404: InvalidRoutingError}


class WebexClient:
    """Speaks to one organization with the token that all workers share."""

    def __init__(
        self, http: HttpClient, *, cache: TokenCache, credentials: Mapping[str, str]
    ) -> None:
        """Keep what every call needs; a draft under test may lack any of it."""
        self._http = http
        self._base = credentials.get("api_base_url", "").rstrip("/")
        self._org_id = credentials.get("org_id", "")
        self._oauth = credentials.get("oauth_base_url", "").rstrip("/") or DEFAULT_OAUTH_URL
        self._app = {name: credentials.get(name, "") for name in ("client_id", "client_secret")}
        account, first = self._app["client_id"], credentials.get("refresh_token", "")
        self.tokens = RotatingTokens(self.access_token, cache=cache, account=account, first=first)
        # Webex counts by client, whichever project it is used in.
        self.budget = RateBudget(RateTiming(), account=account, store=http.pauses)

    async def access_token(self, refresh_token: str) -> TokenPair:
        """Refresh; raises InvalidAuthError when Webex takes the refresh token no more."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self._app}
        url = f"{self._oauth}/v1/access_token"
        try:
            response = await self._http.request(
                "access_token", "POST", url, data=form, statuses=_REFUSALS
            )
        except InvalidAuthError as error:
            error.field = "refresh_token"
            raise
        answer, now = as_object(response.json()), time.time()
        token = as_text(answer.get("access_token"))
        if not token:
            raise UnexpectedResponseError("access_token: the answer holds no token")
        return TokenPair(
            access=token,
            access_until=now + (as_count(answer.get("expires_in")) or 1),
            # Webex may leave it as it is.
            refresh=as_text(answer.get("refresh_token")) or refresh_token,
            refreshed_at=now,
            refresh_until=now
            + (as_count(answer.get("refresh_token_expires_in")) or REFRESH_SECONDS),
        )

    # ---- tasks ----

    async def create_task(self, body: Mapping[str, object]) -> str:
        """Ask for a task and return its id: accepted, which is not yet created."""
        response = await self._call(
            "create_task", "POST", "/v2/tasks", json=body, read_error=_creation_refusal
        )
        task_id = as_text(as_object(as_object(response.json()).get("data")).get("id"))
        if not task_id:
            raise UnexpectedResponseError("create_task: the answer holds no id")
        return task_id

    async def append_message(self, task_id: str, body: Mapping[str, object]) -> None:
        """Send one message into a task: accepted, which is not yet delivered."""
        path = f"/v2/tasks/{quote(task_id, safe='')}/messages"
        await self._call("append_message", "POST", path, json=body, statuses=_GONE)

    async def end_task(self, task_id: str) -> None:
        """End a task; only version 1 has this call."""
        path = f"/v1/tasks/{quote(task_id, safe='')}/end"
        await self._call("end_task", "POST", path, statuses=_GONE)

    async def list_tasks(self, *, since: datetime, until: datetime) -> list[Json]:
        """Return the custom messaging tasks that were created within a time."""
        query = {
            "from": str(_milliseconds(since)),
            "to": str(_milliseconds(until)),
            "channelTypes": "customMessaging",
            "pageSize": PAGE_SIZE,
            **self._org(),
        }
        return _rows(await self._call("list_tasks", "GET", "/v1/tasks", params=query))

    # ---- the organization ----

    async def own_organization(self) -> str:
        """Return the id of the token's organization, which any list of tasks names."""
        now = _milliseconds(datetime.now(UTC))
        query = {"from": str(now - 60_000), "to": str(now), "pageSize": "1"}
        answer = await self._object("list_tasks", "/v1/tasks", params=query)
        return as_text(as_object(answer.get("meta")).get("orgId"))

    async def user(self, user_id: str) -> Json:
        """Return a person by the id of the contact center; InvalidRoutingError for none."""
        return await self._object("user", self._user_path(user_id))

    async def user_by_ci_id(self, user_id: str) -> Json:
        """Return a person by the id of Webex's common identity; InvalidRoutingError for none."""
        return await self._object("user_by_ci_id", self._user_path(f"by-ci-user-id/{user_id}"))

    # ---- subscriptions ----

    async def event_types(self) -> frozenset[str]:
        """Return the events that this organization offers."""
        answer = await self._call("event_types", "GET", "/v2/event-types", params=self._org())
        return frozenset(as_text(row.get("name")) for row in _rows(answer))

    async def list_subscriptions(self) -> list[Json]:
        """Return the organization's subscriptions of version 2."""
        query = self._org()
        return _rows(await self._call("list_subscriptions", "GET", _SUBSCRIPTIONS, params=query))

    async def create_subscription(self, body: Mapping[str, object]) -> None:
        """Subscribe to the events of one resource."""
        whole = {**body, **self._org()}
        await self._call("create_subscription", "POST", _SUBSCRIPTIONS, json=whole)

    async def change_subscription(self, subscription_id: str, body: Mapping[str, object]) -> None:
        """Change a subscription; it must name its resource and version."""
        path = f"{_SUBSCRIPTIONS}/{quote(subscription_id, safe='')}"
        await self._call("change_subscription", "PATCH", path, json=body)

    async def delete_subscription(self, subscription_id: str) -> None:
        """Delete a subscription; one that is gone is fine."""
        path = f"{_SUBSCRIPTIONS}/{quote(subscription_id, safe='')}"
        await self._call("delete_subscription", "DELETE", path, returns=(404,))

    # ---- what every call goes through ----

    async def _object(self, operation: str, path: str, **parts: Any) -> Json:
        response = await self._call(operation, "GET", path, statuses=_UNKNOWN, **parts)
        return as_object(response.json())

    async def _call(self, operation: str, method: str, path: str, **parts: Any) -> VendorResponse:
        statuses = parts.pop("statuses", NO_STATUSES)

        async def send(token: str) -> VendorResponse:
            headers = {"Authorization": f"Bearer {token}", "TrackingId": f"PORTAL_{uuid.uuid4()}"}
            url = self._base + path
            more = {"headers": headers, "statuses": statuses, **parts}
            async with self.budget.call(operation):
                return await self._http.request(operation, method, url, **more)

        return await self.tokens.using(send)

    def _org(self) -> dict[str, str]:
        return {"orgId": self._org_id} if self._org_id else {}

    def _user_path(self, rest: str) -> str:
        return f"/organization/{quote(self._org_id, safe='')}/user/{quote(rest, safe='/')}"


def _rows(response: VendorResponse) -> list[Json]:
    return as_objects(as_object(response.json()).get("data"))


def _creation_refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Tell a refused channel from any other refusal, by the sentences that Webex wrote."""
    error = status_error(response, statuses)
    if not isinstance(error, RejectedError) or "channel" not in _sentences(response.body).lower():
        return error
    message = f"{error.message}: the channel is not active, or has another name"
    return InvalidRoutingError(
        message, status=error.status, field="channel_name", reason="disabled"
    )


def _sentences(body: bytes) -> str:
    error = as_object(vendor_object(body).get("error"))
    return " ".join(as_text(one.get("description")) for one in as_objects(error.get("message")))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
