"""Direct Line 3.0, one method per call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from urllib.parse import quote

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_json

PAGES_MAX = 20
# The service sends empty frames more often than this.
SOCKET_IDLE_SECONDS = 60.0
_TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - the name of a refusal


class Opened(NamedTuple):
    """A conversation, and where its activities are streamed: nowhere, if the address is empty."""

    conversation_id: str
    stream_url: str


class Page(NamedTuple):
    """Activities, and the watermark behind them: empty where the service gave none."""

    activities: list[Json]
    watermark: str


class DirectLineClient:
    """Speaks for one bot; the base address is settable: there are regions, and own services."""

    def __init__(self, http: HttpClient, base: str, secret: str, *, seconds: float) -> None:
        """Keep where the bot is; a service of one's own may want no secret."""
        self._http, self._base, self._secret = http, base.rstrip("/"), secret
        self._seconds = seconds

    async def start(self) -> Opened:
        """Open a conversation."""
        return _opened(await self._call("start conversation", "POST", "/conversations", body={}))

    async def reconnect(self, conversation_id: str, watermark: str) -> Opened:
        """Return a new stream of a conversation, from the watermark on."""
        path, params = f"/conversations/{quote(conversation_id, safe='')}", _after(watermark)
        return _opened(await self._call("reconnect", "GET", path, params=params))

    async def send(self, conversation_id: str, activity: Mapping[str, Any]) -> str:
        """Give the bot an activity and return its id.

        Raises ConversationGoneError where the service knows the conversation no more.
        """
        path = f"/conversations/{quote(conversation_id, safe='')}/activities"
        answer = await self._call("send activity", "POST", path, body=activity)
        return as_text(as_object(answer).get("id"))

    async def activities(self, conversation_id: str, watermark: str) -> AsyncIterator[Page]:
        """Yield pages until one is empty."""
        path = f"/conversations/{quote(conversation_id, safe='')}/activities"
        for _ in range(PAGES_MAX):
            answer = await self._call("get activities", "GET", path, params=_after(watermark))
            page = page_of(answer)
            watermark = page.watermark or watermark
            yield page
            if not page.activities or not page.watermark:
                return

    def stream(self, url: str) -> AbstractAsyncContextManager[VendorSocket]:
        """Open a stream; its address is its credential."""
        return self._http.websocket("stream", url, idle_timeout=SOCKET_IDLE_SECONDS)

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> object:
        response = await self._http.request(
            operation,
            method,
            self._base + path,
            headers={"Authorization": f"Bearer {self._secret}"} if self._secret else {},
            params=params,
            json=body,
            timeout=self._seconds,
            read_error=_refusal,
        )
        return response.json() if response.body else {}


def page_of(answer: object) -> Page:
    """Read an ActivitySet, from a call or a stream."""
    found = as_object(answer)
    watermark = found.get("watermark")
    is_given = isinstance(watermark, str | int) and not isinstance(watermark, bool)
    return Page(as_objects(found.get("activities")), str(watermark) if is_given else "")


def _opened(answer: object) -> Opened:
    found = as_object(answer)
    conversation_id = as_text(found.get("conversationId"))
    if not conversation_id:
        raise UnexpectedResponseError("start conversation: the answer names no conversation")
    return Opened(conversation_id, as_text(found.get("streamUrl")))


def _after(watermark: str) -> dict[str, str]:
    return {"watermark": watermark} if watermark else {}


def _refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Tell an expired or unknown conversation from a refused secret: both are 403 or 404."""
    code = _code(response)
    gone = response.operation != "start conversation" and response.status in (404, 410)
    if gone or code == _TOKEN_EXPIRED:
        text = f"{response.operation}: the conversation is gone"
        return ConversationGoneError(text, status=response.status, vendor_code=code)
    error = status_error(response, statuses)
    if isinstance(error, CannotConnectError) and code:
        error.vendor_code = code
    return error


def _code(response: VendorResponse) -> str:
    try:
        said = as_object(vendor_json(response.body))
    except ValueError:
        return ""
    return as_text(as_object(said.get("error")).get("code"))[:64]
