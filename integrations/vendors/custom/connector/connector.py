"""The custom connector: signed calls out, signed events in, as the public contract says."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar

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
from integrations.vendors.custom.client import CustomClient
from integrations.vendors.custom.connector.checks import ConnectionChecks
from integrations.vendors.custom.connector.credentials import credential_errors, normalised
from integrations.vendors.custom.connector.webhook import MAX_ID, items_of
from integrations.vendors.custom.manifest import ABILITIES, MANIFEST, MAX_FILE_BYTES
from integrations.vendors.custom.mapping.events import (
    as_object,
    as_text,
    availability_of,
    events_of,
)
from integrations.vendors.custom.mapping.start import (
    attachment_body,
    handoff_body,
    message_body,
    queue_of,
)


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
        """Write the endpoint in one way."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Judge the endpoint's form and the extra header."""
        return credential_errors(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ping, and see that the other side has reached our Events URL."""
        return ConnectionChecks(self._client).run()

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
        return items_of(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one event of theirs into ours."""
        events = events_of(session.vendor_conversation_id, item.body, self._ticked)
        return [(session, event) for event in events]


def _ticked(credentials: Mapping[str, str]) -> frozenset[str]:
    return frozenset(filter(None, credentials.get("capabilities", "").split(",")))
