"""The custom connector: signed calls out, signed events in, as the public contract says."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import (
    Availability,
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TokenCache,
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Capability, Manifest
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_count, as_object, as_text, count_read
from integrations.kit.pasted import split_address
from integrations.kit.plain_json import vendor_json
from integrations.kit.signatures import require_recent, require_signature
from integrations.vendors.custom.client import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    CustomClient,
    signed_bytes,
)
from integrations.vendors.custom.manifest import ABILITIES, MANIFEST, MAX_FILE_BYTES
from integrations.vendors.custom.mapping.calls import (
    attachment_body,
    availability_of,
    handoff_body,
    message_body,
    queue_of,
)
from integrations.vendors.custom.mapping.events import events_of

SIGNATURE_WINDOW = timedelta(minutes=5)
MAX_ID = 255
_NOT_FOUND = (404, 405, 410)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
# Ours to send, or the connection's own.
_TAKEN = frozenset({"host", "connection", "transfer-encoding", "idempotency-key", "accept"})
_TAKEN_PREFIXES = ("x-handoff-", "content-")


class CustomConnector(Connector):
    """Calls one endpoint of the admin's; what the admin has not ticked is never asked of it."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep what was ticked."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._client = CustomClient(http, credentials)
        self._ticked = _ticked(credentials)

    @classmethod
    def capabilities_with(cls, credentials: Mapping[str, str]) -> frozenset[Capability]:
        """Leave out what the admin has not ticked."""
        ticked = _ticked(credentials)
        off = {one for name, all_ in ABILITIES.items() if name not in ticked for one in all_}
        return cls.manifest.capabilities - off

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Take the slash off the end of the endpoint."""
        return {**values, "base_url": values.get("base_url", "").rstrip("/")}, ()

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Judge what the form's own patterns cannot see: the endpoint's form, the extra header."""
        return {**_endpoint_errors(values), **_header_errors(values)}

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ping, and see that the other side has reached our Events URL."""
        return run_checks([("ping", self._ping)])

    async def _ping(self) -> str:
        nonce = secrets.token_urlsafe(18)
        try:
            response = await self._client.ping(nonce)
        except RejectedError as error:
            is_missing = error.status in _NOT_FOUND
            raise CheckFailedError(
                "invalid_routing" if is_missing else "rejected", error.message
            ) from error
        try:
            answer = as_object(response.json())
        except UnexpectedResponseError as error:
            raise CheckFailedError("wrong_type", "The answer is not JSON.") from error
        if answer.get("nonce") != nonce:
            raise CheckFailedError("wrong_type", "The answer does not repeat the nonce.")
        return ""

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the handoff; a repeat is recognised by the handoff's id."""
        external_id = await self._opened(request.handoff_id, handoff_body(request))
        return VendorSession(vendor_conversation_id=external_id)

    async def _opened(self, handoff_id: str, body: Mapping[str, object]) -> str:
        response = await self._client.handoffs(handoff_id, body)
        external_id = as_text(as_object(response.json()).get("external_id"))
        if not 0 < len(external_id) <= MAX_ID:
            raise UnexpectedResponseError("handoffs: the answer has no external_id of 1 to 255")
        return external_id

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Keep what opened the handoff, if it may have: its repeat tells the handoff's name."""
        if not (isinstance(error, CannotConnectError) and error.is_in_doubt):
            return None
        state = {"handoff_id": request.handoff_id, "body": handoff_body(request)}
        return VendorSession(vendor_conversation_id="", state=state)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text under its id, by which a repeat is recognised."""
        body = message_body(message)
        await self._client.messages(session.vendor_conversation_id, body, message.message_id)
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Send a file's address, from which the other side fetches it."""
        if "attachments" not in self._ticked:
            raise RejectedError("messages: the connector does not take files")
        body, key = attachment_body(attachment), attachment.attachment_id
        await self._client.messages(session.vendor_conversation_id, body, key)
        return session

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file."""
        return await self._client.download(url, MAX_FILE_BYTES)

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide the end user's typing."""
        if "typing" in self._ticked:
            body, key = {"is_typing": is_typing}, str(uuid.uuid4())
            await self._client.typing(session.vendor_conversation_id, body, key)
        return session

    async def send_presence(self, session: VendorSession, *, is_away: bool) -> VendorSession:
        """Show that the end user is away, or is back."""
        if "presence" in self._ticked:
            body, key = {"is_away": is_away}, str(uuid.uuid4())
            await self._client.presence(session.vendor_conversation_id, body, key)
        return session

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask about the queue that the handoff wants."""
        if "availability" not in self._ticked:
            return Availability(is_available=None)
        answer = await self._client.availability(queue_of(request))
        return availability_of(as_object(answer.json()))

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Say that it is over and why, to who wants to hear it."""
        if "end_by_user" not in self._ticked:
            return
        external_id, state = session.vendor_conversation_id, session.state
        if not external_id:
            external_id = await self._opened(as_text(state["handoff_id"]), as_object(state["body"]))
        try:
            await self._client.end(external_id, {"reason": reason.value})
        except ConversationGoneError:
            return  # closed there already

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify signature and age, and name whose it is."""
        signed_at = _verified(request, credentials.get("signing_secret", ""))
        if request.method != "POST" or request.endpoint != "events":
            return _refused(404, "Post events to the Events URL.")
        return _item_of(request.body, signed_at)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one event of theirs into ours."""
        events = events_of(session.vendor_conversation_id, item.body, self._ticked)
        return [(session, event) for event in events]


def _ticked(credentials: Mapping[str, str]) -> frozenset[str]:
    return frozenset(filter(None, credentials.get("capabilities", "").split(",")))


def _endpoint_errors(values: Mapping[str, str]) -> dict[str, str]:
    parts = split_address(values.get("base_url", ""))
    if parts.query or parts.fragment:
        return {"base_url": "The address has a query or a fragment. Remove all from ? or # on."}
    return {}


def _header_errors(values: Mapping[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    name, value = values.get("auth_header", ""), values.get("auth_header_value", "")
    if name.lower() in _TAKEN or name.lower().startswith(_TAKEN_PREFIXES):
        errors["auth_header"] = "Baton sends this header itself. Choose another name."
    elif value and not name:
        errors["auth_header"] = "A value was entered without the header's name."
    if name and not value:
        errors["auth_header_value"] = "The header has no value. Enter one, or remove the name."
    elif value and not _HEADER_VALUE.fullmatch(value):
        errors["auth_header_value"] = "A header takes letters, digits and signs of ASCII alone."
    return errors


def _verified(request: WebhookRequest, secret: str) -> datetime:
    """Return when a call was signed; raises WebhookVerificationError if forged, or long ago."""
    timestamp = request.headers.get(TIMESTAMP_HEADER.lower(), "").strip()
    given = request.headers.get(SIGNATURE_HEADER.lower(), "")
    require_signature(given, secret, signed_bytes(timestamp, request.body))
    signed_at = _unix_time(timestamp)
    require_recent(signed_at, SIGNATURE_WINDOW)
    return signed_at


def _unix_time(text: str) -> datetime:
    """Read a Unix time; what is none is long ago."""
    seconds = count_read(text) or 0
    return datetime.fromtimestamp(seconds if seconds < 10**11 else 0, UTC)


def _item_of(raw: bytes, signed_at: datetime) -> WebhookResult:
    try:
        body = as_object(vendor_json(raw))
    except ValueError:
        body = {}
    kind, event_id = as_text(body.get("type")), as_text(body.get("event_id"))
    if not kind or not event_id or len(event_id) > MAX_ID:
        return _refused(422, "The body needs type and event_id, 255 characters at most.")
    if kind == "ping":
        return WebhookResult(body='{"ok":true}')
    external_id = as_text(body.get("external_id"))
    if not external_id:
        return _refused(422, "The body needs external_id.")
    kept = {**body, "received_at": signed_at.isoformat()}
    position = as_count(body.get("sequence"))
    item = WebhookItem(item_id=event_id, key=external_id, body=kept, position=position)
    return WebhookResult(items=(item,), body='{"ok":true}')


def _refused(status: int, message: str) -> WebhookResult:
    return WebhookResult(status=status, body=json.dumps({"error_message": message}))
