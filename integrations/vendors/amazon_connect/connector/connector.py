"""Amazon Connect as a connector: clients, mapping and socket behind our interface."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import ClassVar, TypeVar

from integrations.contract.connector import (
    Availability,
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    ReceiptKind,
    TokenCache,
    VendorDocument,
    VendorSession,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    MissingPermissionError,
    RejectedError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.budget import RateBudget
from integrations.vendors.amazon_connect.client.participant import Bearer, ParticipantClient, Upload
from integrations.vendors.amazon_connect.client.signing import Endpoints
from integrations.vendors.amazon_connect.client.sts import StsClient
from integrations.vendors.amazon_connect.connector.availability import queue_availability
from integrations.vendors.amazon_connect.connector.budget import EventBudget
from integrations.vendors.amazon_connect.connector.checks import ConnectionChecks
from integrations.vendors.amazon_connect.connector.contacts import ChatContacts, contact_of
from integrations.vendors.amazon_connect.connector.credentials import credential_errors, normalised
from integrations.vendors.amazon_connect.connector.identity import AwsIdentity
from integrations.vendors.amazon_connect.connector.policies import policies
from integrations.vendors.amazon_connect.connector.progress import SentMessages
from integrations.vendors.amazon_connect.connector.stream import ChatListener, SocketTiming
from integrations.vendors.amazon_connect.connector.target import Target, target_for, target_of
from integrations.vendors.amazon_connect.connector.tokens import ConnectionTokens
from integrations.vendors.amazon_connect.connector.waiting import METRICS, QueueWatch, SharedPace
from integrations.vendors.amazon_connect.manifest import MANIFEST
from integrations.vendors.amazon_connect.manifest.vendor import MAX_FILE_BYTES
from integrations.vendors.amazon_connect.mapping.events import ATTACHMENT_URL
from integrations.vendors.amazon_connect.mapping.item import EVENT_PREFIX
from integrations.vendors.amazon_connect.mapping.start import start_request, text_parts

Answer = TypeVar("Answer")
_CONFLICT = 409
_SEND_EVENT = "SendEvent"
_RECEIPTS = {ReceiptKind.DELIVERED: "message.delivered", ReceiptKind.READ: "message.read"}


class AmazonConnectConnector(Connector):
    """Plays the customer of a chat contact."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: SocketTiming | None = None,
    ) -> None:
        """Keep the decrypted credentials; `timing` shortens the waits for tests."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing or SocketTiming()
        self._endpoints = Endpoints(credentials.get("endpoint_url", ""))
        self._sts = StsClient(http, self._endpoints)
        self._identity = AwsIdentity(sts=self._sts, credentials=credentials)
        self._rate = RateBudget()
        self._participant = ParticipantClient(http, self._rate)
        self._connections = ConnectionTokens(
            client=self._participant, endpoints=self._endpoints, credentials=credentials
        )
        self._contacts = ChatContacts(self._signed, credentials)
        self._sent = SentMessages()
        self._budget = EventBudget()
        self._queue_pace = SharedPace()

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Take ids and region out of pasted ARNs."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Check that there is an identity to call with, the roles, and the tags."""
        return credential_errors(values)

    @classmethod
    def vendor_documents(cls, values: Mapping[str, str]) -> tuple[VendorDocument, ...]:
        """Write the trust policy and the permissions policy of the role."""
        return policies(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Borrow the role's keys and look at instance, flow and queue."""
        return ConnectionChecks(
            http=self._http,
            endpoints=self._endpoints,
            sts=self._sts,
            credentials=self._credentials,
        ).run()

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Look at the queue's metrics and hours; unknown where no queue is set."""
        queue_id = self._credentials.get("availability_queue_id", "")
        if not queue_id:
            return Availability(is_available=None)
        target = target_for(self._credentials, request.routing)

        async def ask(client: AmazonConnectClient) -> Availability:
            return await queue_availability(
                client, instance_id=target.instance_id, queue_id=queue_id
            )

        return await self._signed(target, ask)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Start the chat; summary and transcript are its first message."""
        target = target_for(self._credentials, request.routing)
        body = start_request(
            request,
            self._credentials,
            instance_id=target.instance_id,
            contact_flow_id=target.contact_flow_id,
        )
        started = await self._signed(target, lambda client: client.start_chat_contact(body))
        return VendorSession(
            vendor_conversation_id=started.contact_id,
            state={
                "target": target.as_state(),
                "contact_id": started.contact_id,
                "participant_id": started.participant_id,
                "participant_token": started.participant_token,
            },
        )

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Follow the participant's socket until the chat has ended."""
        listener = ChatListener(
            client=self._participant,
            tokens=self._connections,
            timing=self._timing,
            session=session,
            sent=self._sent,
            queue=self._queue_watch(),
            is_over=self._contacts.is_over,
        )
        async with aclosing(listener.steps()) as steps:
            async for step in steps:
                yield step
        self._forget(session)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, in parts if it is too long; their tokens make a repeat harmless."""
        for number, part in enumerate(text_parts(message.text)):
            token = f"{message.message_id}:{number}" if number else message.message_id

            async def send(bearer: Bearer, text: str = part, client_token: str = token) -> str:
                return await self._participant.send_message(bearer, text, client_token=client_token)

            item_id = await self._as_customer(session, send)
            self._sent.add(session.vendor_conversation_id, item_id, message.message_id)
        return session

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show that the end user is typing; Amazon Connect hides it by itself."""
        is_affordable = is_typing and not self._rate.is_held_back(_SEND_EVENT)
        if is_affordable and self._budget.allows_typing(session.vendor_conversation_id):
            await self._send_event(session, "typing")
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message."""
        content = json.dumps({"messageId": vendor_message_id})
        if not self._rate.is_held_back(_SEND_EVENT) and self._budget.allows_event():
            try:
                await self._send_event(session, _RECEIPTS[kind], content)
            except RejectedError as error:
                if error.status != _CONFLICT:  # a third person is listening: no receipts then
                    raise
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file in the vendor's three steps; the bytes go to the bucket directly."""

        async def announce(bearer: Bearer) -> Upload:
            return await self._participant.start_attachment_upload(
                bearer,
                name=attachment.file_name,
                mime_type=attachment.mime_type,
                size=len(attachment.content),
                client_token=attachment.attachment_id,
            )

        upload = await self._as_customer(session, announce)
        await self._participant.put_file(upload, attachment.content)

        async def complete(bearer: Bearer) -> None:
            await self._participant.complete_attachment_upload(
                bearer, upload.attachment_id, client_token=attachment.attachment_id
            )

        try:
            await self._as_customer(session, complete)
        except RejectedError as error:
            if error.status != _CONFLICT:
                raise
            await self._as_customer(session, complete)
        chat = session.vendor_conversation_id
        self._sent.add(chat, upload.attachment_id, attachment.attachment_id)
        return session

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Ask for the file's address, which lives for minutes, and fetch it at once."""
        attachment_id = url.removeprefix(ATTACHMENT_URL)

        async def locate(bearer: Bearer) -> str:
            return await self._participant.get_attachment(bearer, attachment_id)

        address = await self._as_customer(session, locate)
        return await self._participant.fetch_file(address, max_bytes=MAX_FILE_BYTES)

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Let the end user leave, for whatever reason: Amazon Connect takes none."""
        try:
            await self._connections.using(session, self._participant.disconnect_participant)
        except MissingPermissionError:
            # Over already, most likely; if it was only our token, this ends it.
            await self._contacts.stop(session)
        self._connections.forget(session)

    async def _as_customer(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the chat's token; refused, it is over only if AWS says so elsewhere."""
        try:
            return await self._connections.using(session, call)
        except MissingPermissionError as error:
            if await self._is_known_to_be_over(session):
                raise ConversationGoneError(error.message, status=error.status) from error
            raise CannotConnectError(error.message, status=error.status) from error

    async def _is_known_to_be_over(self, session: VendorSession) -> bool:
        try:
            return await self._contacts.is_over(session)
        except ConnectorError as error:
            if error.retryable:
                raise
            return False  # the account's keys may not look

    def _queue_watch(self) -> QueueWatch:
        timing = self._timing
        return QueueWatch(
            self._queue_metrics,
            self._queue_pace,
            first=timing.queue_first,
            every=timing.queue,
        )

    async def _queue_metrics(self, session: VendorSession) -> Mapping[str, float]:
        target = target_of(session.state, self._credentials)
        contact_id = contact_of(session)

        async def ask(client: AmazonConnectClient) -> Mapping[str, float]:
            return await client.get_contact_metrics(target.instance_id, contact_id, METRICS)

        return await self._signed(target, ask)

    async def _send_event(self, session: VendorSession, event: str, content: str = "") -> None:
        async def send(bearer: Bearer) -> None:
            await self._participant.send_event(bearer, EVENT_PREFIX + event, content)

        await self._connections.using(session, send)

    async def _signed(
        self, target: Target, call: Callable[[AmazonConnectClient], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the role's keys, and once more with new ones if they had expired."""
        try:
            return await call(await self._client(target))
        except InvalidAuthError as error:
            if not self._identity.forget(
                region=target.region, role_arn=target.role_arn, error=error
            ):
                raise
        return await call(await self._client(target))

    async def _client(self, target: Target) -> AmazonConnectClient:
        keys = await self._identity.keys(region=target.region, role_arn=target.role_arn)
        return AmazonConnectClient(
            self._http, self._endpoints, region=target.region, keys=keys, budget=self._rate
        )

    def _forget(self, session: VendorSession) -> None:
        self._connections.forget(session)
        self._sent.forget(session.vendor_conversation_id)
        self._budget.forget(session.vendor_conversation_id)
