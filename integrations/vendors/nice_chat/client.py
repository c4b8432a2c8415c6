"""The guest's calls: the channel's REST, the authorize host, and the socket's opening."""

from __future__ import annotations

import base64
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from integrations.contract.connector import OutboundAttachment
from integrations.contract.errors import (
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.errors import StatusTable
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.nice_chat.mapping.frames import PLATFORM, VERSION, Guest
from integrations.vendors.nice_chat.mapping.hosts import Hosts

CALLER = "Baton"
UPLOAD_SECONDS = 60.0
TOKEN_SECONDS = 30.0
STREAM_SECONDS = 30.0
# No such brand or channel here: somebody has to look at the connection.
NO_CHANNEL: StatusTable = {404: InvalidAuthError}
# A socket that closes before it opens: who asked was not let in.
NOT_LET_IN: StatusTable = {401: InvalidAuthError, 403: InvalidAuthError}
IP_BLOCKED = "ip_blocked"


class NiceChatClient:
    """Speaks to one environment, for one brand."""

    def __init__(self, http: HttpClient, *, hosts: Hosts, brand_id: str) -> None:
        """Keep what every call needs."""
        self._http = http
        self._hosts = hosts
        self._brand = f"{hosts.chat}/chat/1.0/brand/{brand_id}"
        self._budget = RateBudget(RateTiming(), account=self._brand, store=http.pauses)

    async def channel(self, channel_id: str, seconds: float = 10.0) -> Json:
        """Return ChannelInfo."""
        address = f"{self._channel(channel_id)}?locale=en_US"
        answer = await self._call("channel", "GET", address, timeout=seconds, statuses=NO_CHANNEL)
        return as_object(answer)

    async def availability(self, channel_id: str) -> Json:
        """Return whether anybody is there."""
        address = f"{self._channel(channel_id)}/availability"
        return as_object(await self._call("availability", "GET", address, statuses=NO_CHANNEL))

    async def attachment(self, channel_id: str, file: OutboundAttachment) -> str:
        """Upload a file and return its address."""
        body = {
            "content": base64.b64encode(file.content).decode(),
            "fileName": file.file_name,
            "mimeType": file.mime_type,
        }
        answer = as_object(
            await self._call(
                "attachment",
                "POST",
                f"{self._channel(channel_id)}/attachment",
                json=body,
                timeout=UPLOAD_SECONDS,
            )
        )
        if url := as_text(answer.get("fileUrl")):
            return url
        # A refusal may be answered as a success: it then names the channel's limits.
        raise RejectedError("attachment: NICE CXone does not take this file")

    async def message(self, message_id: str, token: str) -> Json:
        """Return a message whole."""
        address = f"{self._brand}/messages/{message_id}"
        headers = {"Authorization": f"Bearer {token}"}
        return as_object(await self._call("message", "GET", address, headers=headers))

    async def transaction_token(self, guest: Guest) -> tuple[str, float]:
        """Return an anonymous guest's token for a secured session, and for how many seconds."""
        query = {
            "brandId": str(guest.brand_id),
            "channelId": guest.channel_id,
            "visitorId": guest.visitor_id,
        }
        answer = as_object(
            await self._call(
                "oauth_token",
                "POST",
                f"{self._hosts.authorize}/oauth/token",
                params=query,
                json={"customerIdentity": {"idOnExternalPlatform": guest.customer_id}},
                timeout=TOKEN_SECONDS,
            )
        )
        token = as_text(answer.get("accessToken"))
        if not token:
            raise UnexpectedResponseError("oauth_token: the answer has no accessToken")
        return token, float(as_count(answer.get("expiresIn")) or 0)

    @asynccontextmanager
    async def gateway(
        self, guest: Guest, token: str, *, idle_timeout: float, open_timeout: float
    ) -> AsyncIterator[VendorSocket]:
        """Open the guest's socket; InvalidAuthError says that it was not let in."""
        async with AsyncExitStack() as stack:
            async with self._budget.call("gateway"):
                socket = await stack.enter_async_context(
                    self._http.websocket(
                        "gateway",
                        f"{self._hosts.gateway}/?{guest.query(token)}",
                        idle_timeout=idle_timeout,
                        open_timeout=open_timeout,
                        statuses=NOT_LET_IN,
                    )
                )
            yield socket

    async def stored_event(self, url: str) -> Json:
        """Return an event that was too large for the socket."""
        response = await self._http.request("stored_event", "GET", url)
        return as_object(response.json())

    async def streamed_text(self, url: str) -> str:
        """Return what an AI streams, once it is complete."""
        parts: list[str] = []
        async with self._http.stream_events(
            "streamed_text", url, headers={}, idle_timeout=STREAM_SECONDS
        ) as events:
            async for event in events:
                delta = as_object(vendor_object(event.data).get("delta"))
                parts.append(as_text(delta.get("content")))
                if delta.get("finish_reason"):
                    break
        return "".join(parts).strip()

    async def download(self, url: str, max_bytes: int) -> bytes:
        """Fetch a live agent's file; its address is all that it needs."""
        return await download(self._http, url, max_bytes=max_bytes)

    def _channel(self, channel_id: str) -> str:
        return f"{self._brand}/channel/{channel_id}"

    async def _call(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> object:
        own = {
            "X-Caller-Service-ID": CALLER,
            "X-Trace-ID": str(uuid.uuid4()),
            "x-sdk-platform": PLATFORM,
            "x-sdk-version": VERSION,
            **(headers or {}),
        }
        async with self._budget.call(operation):
            try:
                answer = await self._http.request(operation, method, url, headers=own, **parts)
            except ConnectorError as error:
                if error.vendor_code == IP_BLOCKED:
                    raise _blocked(operation, error) from error
                raise
        return answer.json()


def _blocked(operation: str, error: ConnectorError) -> MissingPermissionError:
    return MissingPermissionError(
        f"{operation}: NICE CXone blocks this server's address",
        status=error.status,
        vendor_code=error.vendor_code,
    )
