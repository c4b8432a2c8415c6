"""CXone's calls for a BYOC channel: tokens by discovery, and the DFO 3.0 REST behind them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from integrations.contract.connector import OutboundAttachment, TokenCache
from integrations.contract.errors import (
    ConversationGoneError,
    InvalidAuthError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.errors import StatusTable
from integrations.kit.json_values import Json, as_count, as_object, as_text, json_digest
from integrations.kit.plain_json import vendor_object
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.nice_byoc.mapping.opening import rows

UPLOAD_SECONDS = 60.0
# A token is used for a bit less than it lives.
TOKEN_SHARE = 0.9
_REFUSED: StatusTable = {400: InvalidAuthError, 401: InvalidAuthError, 403: InvalidAuthError}
_GONE: StatusTable = {404: ConversationGoneError, 410: ConversationGoneError}
_ACCESS, _BASE = "access", "base"


class NiceByocClient:
    """Speaks for one access key; the token and where the API is are kept for all workers."""

    def __init__(
        self, http: HttpClient, tokens: TokenCache, credentials: Mapping[str, str]
    ) -> None:
        """Keep what every call needs."""
        self._http = http
        self._tokens = tokens
        self._credentials = credentials
        self._discovery = credentials.get("discovery_host", "").rstrip("/")
        self._channel = quote(credentials.get("channel_id", ""), safe="")
        account = f"{self._discovery}/{self._channel}"
        self._budget = RateBudget(RateTiming(), account=account, store=http.pauses)
        # Other keys have tokens of their own, though the cache is the connection's.
        self._name = json_digest(
            [credentials.get(n, "") for n in ("access_key_id", "access_key_secret", "client_id")]
        )[:16]

    async def token(self, *, is_fresh: bool = False) -> str:
        """Return an access token, got with the access key where none is kept."""
        kept = None if is_fresh else await self._tokens.get(f"{_ACCESS}:{self._name}")
        if kept:
            return kept
        address = await self._token_endpoint()
        form = {
            "grant_type": "password",
            "client_id": self._credentials.get("client_id", ""),
            "client_secret": self._credentials.get("client_secret", ""),
            "username": self._credentials.get("access_key_id", ""),
            "password": self._credentials.get("access_key_secret", ""),
        }
        async with self._budget.call("token"):
            response = await self._http.request(
                "token", "POST", address, data=form, statuses=_REFUSED
            )
        answer = as_object(response.json())
        token, seconds = as_text(answer.get("access_token")), as_count(answer.get("expires_in"))
        if not token:
            raise UnexpectedResponseError("token: the answer has no access_token")
        await self._tokens.set(f"{_ACCESS}:{self._name}", token, (seconds or 0) * TOKEN_SHARE)
        return token

    async def channels(self) -> list[Json]:
        """Return the tenant's channels."""
        return rows(await self._call("channels", "GET", "/channels"), "data", "channels")

    async def messages(self, body: Json) -> Json:
        """Send an inbound message; return its contact and itself."""
        path = f"/channels/{self._channel}/messages"
        return as_object(await self._call("messages", "POST", path, json=body))

    async def message_status(self, message_id: str, body: Json) -> None:
        """Say how far an agent's message came, by the id that we gave it."""
        path = f"/channels/{self._channel}/messages/{quote(message_id, safe='')}/status"
        await self._call("message_status", "PUT", path, json=body)

    async def sender_action(self, thread_id: str, action: str) -> None:
        """Show or hide the end user's typing."""
        path = f"/channels/{self._channel}/threads/{quote(thread_id, safe='')}/sender-actions"
        await self._call("sender_action", "POST", path, json={"action": action})

    async def contacts_of(self, end_user_id: str) -> list[Json]:
        """Return an end user's contacts on our channel."""
        query = {
            "channel[]": self._credentials.get("channel_id", ""),
            "endUserIdOnExternalPlatform[]": end_user_id,
        }
        answer = await self._call("contacts", "GET", "/contacts", params=query)
        return rows(answer, "data", "contacts")

    async def contact(self, contact_id: str) -> Json:
        """Return a contact: how it stands, and who has it."""
        path = f"/contacts/{quote(contact_id, safe='')}"
        return as_object(await self._call("contact", "GET", path, statuses=_GONE))

    async def contact_messages(self, contact_id: str) -> list[Json]:
        """Return a contact's messages."""
        path = f"/contacts/{quote(contact_id, safe='')}/messages"
        answer = await self._call("contact_messages", "GET", path, statuses=_GONE)
        return rows(answer, "data", "messages")

    async def close_contact(self, contact_id: str) -> None:
        """Give a contact the status closed."""
        path = f"/contacts/{quote(contact_id, safe='')}/status"
        await self._call("contact_status", "PUT", path, json={"status": "closed"}, statuses=_GONE)

    async def temporary_attachment(self, file: OutboundAttachment) -> str:
        """Upload a file and return an address under which a message may name it."""
        content = base64.b64encode(file.content).decode()
        answer = as_object(
            await self._call(
                "attachments_temporary",
                "POST",
                "/attachments/temporary",
                json={"content": content, "mimeType": file.mime_type},
                timeout=UPLOAD_SECONDS,
            )
        )
        if url := as_text(answer.get("url")):
            return url
        raise UnexpectedResponseError("attachments_temporary: the answer has no url")

    async def download(self, url: str, max_bytes: int) -> bytes:
        """Fetch a live agent's file; its address is all that it needs."""
        return await download(self._http, url, max_bytes=max_bytes)

    async def _call(self, operation: str, method: str, path: str, **parts: Any) -> object:
        """Make a call; a token that is refused is renewed once."""
        try:
            return await self._try(operation, method, path, await self.token(), **parts)
        except InvalidAuthError as error:
            if error.status != 401:
                raise
        return await self._try(operation, method, path, await self.token(is_fresh=True), **parts)

    async def _try(
        self, operation: str, method: str, path: str, token: str, **parts: Any
    ) -> object:
        base = await self._base(token)
        async with self._budget.call(operation):
            response = await self._http.request(
                operation,
                method,
                f"{base}/dfo/3.0{path}",
                headers={"Authorization": f"Bearer {token}"},
                **parts,
            )
        return response.json() if response.body else {}

    async def _token_endpoint(self) -> str:
        response = await self._http.request(
            "discovery", "GET", f"{self._discovery}/.well-known/openid-configuration"
        )
        found = as_text(as_object(response.json()).get("token_endpoint"))
        if not found:
            raise UnexpectedResponseError("discovery: the answer has no token_endpoint")
        return found

    async def _base(self, token: str) -> str:
        """Return where the DFO API is: as entered, else as the tenant's configuration says."""
        if own := self._credentials.get("api_host", "").rstrip("/"):
            return own
        if kept := await self._tokens.get(f"{_BASE}:{self._name}"):
            return kept
        tenant = self._credentials.get("tenant_id") or tenant_in(token)
        response = await self._http.request(
            "configuration",
            "GET",
            f"{self._discovery}/.well-known/cxone-configuration",
            params={"tenantId": tenant},
        )
        found = as_object(response.json())
        area, domain = as_text(found.get("area")), as_text(found.get("domain"))
        if not area or not domain:
            raise UnexpectedResponseError("configuration: the answer has no area or no domain")
        base = f"https://api-de-{area}.{domain}"
        await self._tokens.set(f"{_BASE}:{self._name}", base, 3600.0)
        return base


def tenant_in(token: str) -> str:
    """Read the tenant's id out of a token, which is ours to send and not to judge."""
    _, _, rest = token.partition(".")
    claims = rest.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    except (binascii.Error, ValueError):
        return ""
    return as_text(vendor_object(raw).get("tenantId"))
