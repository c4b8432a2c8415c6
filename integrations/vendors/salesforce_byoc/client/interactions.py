"""The Interaction Service API of Bring Your Own Channel, and two calls of the REST API."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.http.client import REQUEST_SECONDS, FormData, HttpClient
from integrations.http.download import download
from integrations.http.errors import Errors, StatusTable, VendorResponse, status_error
from integrations.http.org_access import OrgAccess
from integrations.kit.json_values import Json, as_object, as_objects, as_text, count_read, json_text
from integrations.kit.waiting import RateBudget, RateTiming

API = "/api/v1"
REST = "/services/data/v60.0"
PAGE_SIZE = 20
TRANSFER_SECONDS = 60.0
MAX_DOWNLOAD_BYTES = 25 * 1024 * 1024
_PAUSES = RateTiming(first=2.0, longest=60.0)
_DUPLICATE = 10073
# What the codes of ERRORCODES.md mean to a caller; the others are refusals.
_CODES: Mapping[int, type[ConnectorError]] = {
    10004: InvalidAuthError,
    **dict.fromkeys((10003, 10057, 15105), MissingPermissionError),
    **dict.fromkeys((10099, 15102, 15103, 15104), MissingPermissionError),
    **dict.fromkeys((10001, 10005, 10069, 10070), InvalidRoutingError),
    **dict.fromkeys((10017, 10031, 10035, 10026, 10027), InvalidRoutingError),
    **dict.fromkeys((10024, 10030, 10032), InvalidRoutingError),
    **dict.fromkeys((10018, 10025), ConversationGoneError),
    **dict.fromkeys((10019, 10055, 10056, 10094), CannotConnectError),
    **dict.fromkeys((20002, 20003, 20004, 25005, 25006, 25007), CannotConnectError),
}
LICENCE_CODES = ("10099", "15102", "15103", "15104")
_NOTHING_OPEN = frozenset(
    {"ACTIVE_CONVERSATION_NOT_FOUND", "SESSION_NOT_FOUND", "END_USER_NOT_FOUND"}
)

# Name, kind and bytes of a file.
FilePart = tuple[str, str, bytes] | None


class InteractionClient:
    """One channel's API; knows the end user by the subject that each call names."""

    def __init__(self, http: HttpClient, access: OrgAccess, credentials: Mapping[str, str]) -> None:
        """Keep where to call, and in whose name."""
        self._http = http
        self._access = access
        self._scrt = credentials.get("scrt_url", "").rstrip("/")
        self._instance = credentials.get("instance_url", "").rstrip("/")
        self.org_id = credentials.get("org_id", "")[:15]
        self._context = credentials.get("authorization_context", "")
        self.channel = credentials.get("channel_address_identifier", "")
        self._budget = RateBudget(_PAUSES, account=self.org_id, store=http.pauses)

    async def establish(self, subject: str, attributes: Mapping[str, str]) -> str:
        """Return the end user's conversation: the open one, or a new one."""
        body: dict[str, object] = {
            "channelAddressIdentifier": self.channel,
            "participants": [end_user(subject)],
        }
        if attributes:
            body["routingAttributes"] = dict(attributes)
        answer = await self._json("establish", "POST", "/conversation", body)
        return as_text(answer.get("conversationIdentifier"))

    async def interact(self, subject: str, interaction: Json, content: FilePart = None) -> None:
        """Send one interaction of the end user's; an id that was taken before is fine."""
        body = {"to": self.channel, "from": subject, "interactions": [interaction]}

        async def send(token: str) -> None:
            # A form is read once: a second try needs another one.
            await self._http.request(
                "interact",
                "POST",
                f"{self._scrt}{API}/interactions",
                headers=self._headers(token),
                data=_multipart(body, content),
                timeout=TRANSFER_SECONDS if content else REQUEST_SECONDS,
                read_error=_refusal,
            )

        try:
            async with self._budget.call("interact"):
                await self._access.using(send)
        except RejectedError as error:
            if error.vendor_code != str(_DUPLICATE):
                raise

    async def type(self, subject: str, interaction: Json) -> None:
        """Send a typing indicator; in a pause it is left out, nobody misses one."""
        if not self._budget.is_held_back():
            await self.interact(subject, interaction)

    async def acknowledge(
        self, subject: str, conversation_id: str, entry_id: str, kinds: Sequence[str]
    ) -> None:
        """Acknowledge an entry as delivered or read, in the order given."""
        rows = [
            {
                "acknowledgementTimestamp": now(),
                "acknowledgementType": kind,
                "acknowledgedConversationEntryIdentifier": entry_id,
                "acknowledgmentCreatedConversationEntryIdentifier": str(uuid.uuid4()),
            }
            for kind in kinds
        ]
        body = {
            "conversationIdentifier": conversation_id,
            "sender": end_user(subject),
            "acknowledgements": rows,
        }
        await self._json("acknowledge", "POST", "/acknowledgement", body)

    async def route(
        self, conversation_id: str, info: Json, *, routing_type: str = "Initial"
    ) -> None:
        """Ask Salesforce to route by a queue or a flow, where the partner owns routing."""
        body = {
            "conversationIdentifier": conversation_id,
            "routingType": routing_type,
            "routingInfo": info,
        }
        answer = await self._json("route", "POST", "/route", body)
        if answer.get("success") is not True:
            raise InvalidRoutingError("route: Salesforce routes it nowhere")

    async def agent_work(self, body: Json) -> None:
        """Give a work item to the live agent for whom Salesforce has asked."""
        await self._json("agent_work", "POST", "/agentWork", body)

    async def end_session(self, subject: str, conversation_id: str) -> None:
        """End the messaging session; where none is open nothing is to be done."""
        body = {
            "channelAddressIdentifier": self.channel,
            "endUserClientId": subject,
            "conversationIdentifier": conversation_id,
            "operation": "End",
            "operationBy": "EndUser",
        }
        answer = await self._json("end_session", "POST", "/messagingSession", body)
        reason = as_text(answer.get("errorReason"))
        if answer.get("success") is not True and reason not in _NOTHING_OPEN:
            raise CannotConnectError(f"end_session: refused as {reason[:60]}")

    async def entries(
        self,
        conversation_id: str,
        start: int,
        *,
        timeout: float = 10.0,
        expects: Errors = (),
    ) -> list[Json]:
        """Return one page of entries from a time on, oldest first; `expects`: see HttpClient."""
        body = {
            "conversationIdentifier": conversation_id,
            "startTime": start,
            "limit": PAGE_SIZE,
            "direction": "FROM_START",
        }
        answer = await self._json(
            "entries", "GET", "/conversationEntry", body, timeout=timeout, expects=expects
        )
        return as_objects(answer.get("conversationEntries"))

    async def register_capabilities(self, capabilities: Json) -> None:
        """Say what we can draw: without that live agents can send text alone."""
        await self._json("capabilities", "PATCH", "/capabilities", {"capabilities": capabilities})

    async def query(self, soql: str, *, timeout: float = REQUEST_SECONDS) -> list[Json]:
        """Ask the organization for records."""

        async def ask(token: str) -> VendorResponse:
            return await self._http.request(
                "query",
                "GET",
                f"{self._instance}{REST}/query",
                headers={"Authorization": f"Bearer {token}"},
                params={"q": soql},
                timeout=timeout,
            )

        return as_objects(as_object((await self._access.using(ask)).json()).get("records"))

    async def fetch_attachment(self, url: str) -> bytes:
        """Download a live agent's file; its address is its own key, so no token goes along."""
        return await download(self._http, url, max_bytes=MAX_DOWNLOAD_BYTES)

    def definition(self) -> Json:
        """Name the channel definition, as capabilities want it."""
        return {
            "customIntegrationType": "CustomChannelIntegration",
            "integrationNamespace": self.org_id,
            "conversationChannelDefinitionDevName": self._context,
        }

    async def _json(
        self,
        operation: str,
        method: str,
        path: str,
        body: Json,
        *,
        timeout: float = REQUEST_SECONDS,
        expects: Errors = (),
    ) -> Json:
        async def send(token: str) -> VendorResponse:
            return await self._http.request(
                operation,
                method,
                f"{self._scrt}{API}{path}",
                headers=self._headers(token),
                json=body,
                timeout=timeout,
                expects=expects,
                read_error=_refusal,
            )

        async with self._budget.call(operation):
            response = await self._access.using(send)
        return as_object(response.json()) if response.body else {}

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "OrgId": self.org_id,
            "AuthorizationContext": self._context,
            "RequestId": str(uuid.uuid4()),
        }


def end_user(subject: str) -> dict[str, str]:
    """Name the end user as a participant."""
    return {"subject": subject, "role": "EndUser", "appType": "custom"}


def now() -> int:
    """Return this moment in milliseconds."""
    return int(time.time() * 1000)


def _multipart(body: Json, file: FilePart) -> FormData:
    # Names as they are written: quoted, a blank would be shown as %20.
    form = FormData(quote_fields=False)
    form.add_field("json", json_text(body), content_type="application/json")
    if file is not None:
        name, mime_type, content = file
        form.add_field("attachments", content, filename=name, content_type=mime_type)
    return form


def _refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Choose the error by the code in the body, which says more than the status."""
    if response.status == 429:
        return status_error(response, {429: RateLimitedError})
    plain = status_error(response, statuses)
    code = plain.vendor_code
    kind = _CODES.get(count_read(code) or 0)
    if kind is None:
        return plain
    return kind(plain.message, status=response.status, vendor_code=code)
