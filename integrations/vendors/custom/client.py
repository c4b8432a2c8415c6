"""The calls of the public contract, each signed; one method for each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    NoLiveAgentsError,
)
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse, status_error
from integrations.kit.json_values import json_text
from integrations.kit.signatures import hex_signature
from integrations.kit.waiting import RateBudget, RateTiming

TIMESTAMP_HEADER = "X-Handoff-Timestamp"
SIGNATURE_HEADER = "X-Handoff-Signature"
DEFAULT_TIMEOUT_MS = 5000
# Of an open handoff these statuses say that the other side has closed or never had it.
_GONE: StatusTable = {404: ConversationGoneError, 410: ConversationGoneError}
# What `code` in a refusal means.
_REFUSALS: Mapping[str, type[ConnectorError]] = {
    "no_agents": NoLiveAgentsError,
    "invalid_routing": InvalidRoutingError,
    "handoff_closed": ConversationGoneError,
}


class CustomClient:
    """Speaks to one endpoint; every POST has the key by which a repeat is recognised."""

    def __init__(self, http: HttpClient, credentials: Mapping[str, str]) -> None:
        """Keep what every call needs."""
        self._http = http
        self._base = credentials.get("base_url", "").rstrip("/")
        self._secret = credentials.get("signing_secret", "")
        self._budget = RateBudget(RateTiming(), account=self._base, store=http.pauses)
        self._timeout = int(credentials.get("timeout_ms") or DEFAULT_TIMEOUT_MS) / 1000
        name, value = credentials.get("auth_header", ""), credentials.get("auth_header_value", "")
        self._extra = {name: value} if name and value else {}

    async def ping(self, nonce: str) -> VendorResponse:
        """Ask for the nonce back; the other side calls our Events URL as well."""
        return await self._get("ping", "/ping", {"nonce": nonce})

    async def availability(self, queue: str) -> VendorResponse:
        """Ask whether somebody would answer."""
        return await self._get("availability", "/availability", {"queue": queue})

    async def handoffs(self, handoff_id: str, body: Mapping[str, object]) -> VendorResponse:
        """Open a handoff."""
        return await self._post("handoffs", "/handoffs", body, handoff_id)

    async def messages(self, external_id: str, body: Mapping[str, object], key: str) -> None:
        """Send a message or a file of the end user's."""
        await self._post("messages", _path(external_id, "messages"), body, key, _GONE)

    async def typing(self, external_id: str, body: Mapping[str, object], key: str) -> None:
        """Say that the end user types, or has stopped."""
        await self._post("typing", _path(external_id, "typing"), body, key, _GONE)

    async def presence(self, external_id: str, body: Mapping[str, object], key: str) -> None:
        """Say that the end user is away, or is back."""
        await self._post("presence", _path(external_id, "presence"), body, key, _GONE)

    async def end(self, external_id: str, body: Mapping[str, object]) -> None:
        """Say that the handoff is over."""
        await self._post("end", _path(external_id, "end"), body, f"{external_id}:end", _GONE)

    async def download(self, url: str, max_bytes: int) -> bytes:
        """Fetch a live agent's file; only the endpoint's own host sees signature and header."""
        return await download(
            self._http,
            url,
            api_url=self._base,
            headers=self._headers(b""),
            is_signed=True,
            max_bytes=max_bytes,
        )

    async def _get(self, operation: str, path: str, query: Mapping[str, str]) -> VendorResponse:
        given = {name: value for name, value in query.items() if value}
        return await self._call(operation, "GET", path, params=given, headers=self._headers(b""))

    async def _post(
        self,
        operation: str,
        path: str,
        body: Mapping[str, object],
        key: str,
        statuses: StatusTable = NO_STATUSES,
    ) -> VendorResponse:
        raw = json_text(body).encode()
        headers = {**self._headers(raw), "Content-Type": "application/json", "Idempotency-Key": key}
        return await self._call(
            operation, "POST", path, data=raw, headers=headers, statuses=statuses
        )

    async def _call(self, operation: str, method: str, path: str, **parts: Any) -> VendorResponse:
        async with self._budget.call(operation):
            return await self._http.request(
                operation,
                method,
                self._base + path,
                timeout=self._timeout,
                read_error=_refusal,
                **parts,
            )

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        return {
            **self._extra,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: hex_signature(self._secret, signed_bytes(timestamp, body)),
        }


def signed_bytes(timestamp: str, body: bytes) -> bytes:
    """Return what a signature is over, in both directions."""
    return timestamp.encode() + b"." + body


def _refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Let `code` of a refusal say more than its status."""
    error = status_error(response, statuses)
    kind = _REFUSALS.get(error.vendor_code)
    if kind is None or not 400 <= response.status < 500 or error.retryable:
        return error
    return kind(error.message, status=error.status, vendor_code=error.vendor_code)


def _path(external_id: str, call: str) -> str:
    return f"/handoffs/{quote(external_id, safe='')}/{call}"
