"""Amazon Connect as a connector: clients, mapping and socket behind our interface."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

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
from integrations.contract.errors import MissingPermissionError, RejectedError
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.cutting import json_bytes, pieces, utf8_bytes
from integrations.kit.recent import Recent
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.aws import AwsIdentity, rate_budget
from integrations.vendors.amazon_connect.client.connect import StartedChat
from integrations.vendors.amazon_connect.client.participant import ParticipantClient
from integrations.vendors.amazon_connect.connector.availability import (
    flow_queue,
    queue_availability,
)
from integrations.vendors.amazon_connect.connector.chats import (
    CONTACT_METRICS,
    MAX_CHATS,
    Chats,
    QueueWatch,
    Target,
    target_for,
)
from integrations.vendors.amazon_connect.connector.checks import (
    ConnectionChecks,
    credential_errors,
    normalised,
    policies,
)
from integrations.vendors.amazon_connect.connector.stream import ChatListener, SocketTiming
from integrations.vendors.amazon_connect.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.amazon_connect.mapping.events import ATTACHMENT_URL, EVENT_PREFIX
from integrations.vendors.amazon_connect.mapping.messages import (
    MAX_CONTENT_BYTES,
    Reply,
    ends_at,
    is_told_at_once,
    opening_text,
    reply_of,
    reply_to_view,
    start_request,
)

# An instance takes 10 messages and events a second together, from all chats.
EVENTS_PER_SECOND = 4.0
BURST = 8.0
TYPING_SECONDS = 4.0  # an indicator is valid for 10
# An account has 2 questions about a contact's queue a second; half of them are left to others.
QUESTION_SECONDS = 1.0
_CONFLICT = 409
# A text within the JSON of an answer to a view, beside whose members it has to fit.
MAX_VIEW_TEXT_BYTES = MAX_CONTENT_BYTES - 256
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
        self._budget = rate_budget(http, credentials.get("instance_id", ""))
        self._events = EventBudget()
        self._identity = AwsIdentity(http, credentials)
        self._participant = ParticipantClient(http, self._budget)
        self._chats = Chats(self._participant, self._identity.endpoints, credentials, self._client)

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
        return ConnectionChecks(self._http, self._credentials).run()

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Look at the queue's metrics and hours; unknown where neither admin nor flow name one."""
        target = target_for(self._credentials, request.routing)
        client = self._client(target)
        queue_id = self._credentials.get("availability_queue_id", "")
        queue_id = queue_id or await flow_queue(client, target, self._tokens)
        if not queue_id:
            return Availability(is_available=None)
        return await queue_availability(client, instance_id=target.instance_id, queue_id=queue_id)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Start the chat; summary and transcript wait for a live agent, or open it."""
        target = target_for(self._credentials, request.routing)
        body = start_request(
            request,
            self._credentials,
            instance_id=target.instance_id,
            contact_flow_id=target.contact_flow_id,
        )
        started = await self._started(self._client(target), body)
        is_told = is_told_at_once(self._credentials)
        return VendorSession(
            vendor_conversation_id=started.contact_id,
            state={
                "target": target.as_state(),
                "contact_id": started.contact_id,
                "participant_id": started.participant_id,
                "participant_token": started.participant_token,
                "ends_at": ends_at(body, datetime.now(UTC)).isoformat(),
                "opening": "" if is_told else opening_text(request),
            },
        )

    async def _started(self, client: AmazonConnectClient, body: dict[str, object]) -> StartedChat:
        """Start a chat; without its past where Amazon Connect cannot continue that."""
        try:
            return await client.start_chat_contact(body)
        except RejectedError:
            if not body.pop("PersistentChat", None):
                raise
        return await client.start_chat_contact(
            {**body, "ClientToken": f"{body['ClientToken']}-new"}
        )

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Follow the participant's socket until the chat has ended."""
        timing = self._timing
        queue = QueueWatch(
            lambda session: self._chats.contact_metrics(session, CONTACT_METRICS),
            lambda: not self._budget.is_held_back() and self._events.allows_question(),
            first=timing.queue_first,
            every=timing.queue,
        )
        listener = ChatListener(session, chats=self._chats, timing=timing, queue=queue)
        async with aclosing(listener.steps()) as steps:
            async for step in steps:
                yield step
        self._chats.forget(session)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a message, in parts if it is too long; their tokens make a repeat harmless."""
        for number, reply in enumerate(_replies(session, message)):
            token = f"{message.message_id}:{number}" if number else message.message_id
            send = partial(self._participant.send_message, reply=reply, client_token=token)
            item_id = await self._chats.as_customer(session, send)
            self._chats.memory(session).sent.put(item_id, message.message_id)
        return session

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show that the end user is typing; Amazon Connect hides it by itself."""
        is_affordable = is_typing and not self._budget.is_held_back()
        if is_affordable and self._events.allows_typing(session.vendor_conversation_id):
            await self._send_event(session, "typing")
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message."""
        content = json.dumps({"messageId": vendor_message_id})
        if not self._budget.is_held_back() and self._events.allows_event():
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

        key = attachment.attachment_id
        announce = partial(
            self._participant.start_attachment_upload,
            name=attachment.file_name,
            mime_type=attachment.mime_type,
            size=len(attachment.content),
            client_token=key,
        )
        upload = await self._chats.as_customer(session, announce)
        await self._participant.put_file(upload, attachment.content)
        complete = partial(
            self._participant.complete_attachment_upload,
            attachment_id=upload.attachment_id,
            client_token=key,
        )
        try:
            await self._chats.as_customer(session, complete)
        except RejectedError as error:
            if error.status != _CONFLICT:
                raise
            await self._chats.as_customer(session, complete)
        self._chats.memory(session).sent.put(upload.attachment_id, key)
        return session

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Fetch a file, once its address is asked for, or the picture of an offer."""
        if not url.startswith(ATTACHMENT_URL):
            return await self._participant.fetch_file(url, max_bytes=MAX_FILE_BYTES)
        attachment_id = url.removeprefix(ATTACHMENT_URL)
        locate = partial(self._participant.get_attachment, attachment_id=attachment_id)
        address = await self._chats.as_customer(session, locate)
        return await self._participant.fetch_file(address, max_bytes=MAX_FILE_BYTES)

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Let the end user leave, for whatever reason: Amazon Connect takes none."""
        try:
            await self._chats.using_token(session, self._participant.disconnect_participant)
        except MissingPermissionError:
            # Over already, most likely; if it was only our token, this ends it.
            await self._chats.stop(session)
        self._chats.forget(session)

    async def _send_event(self, session: VendorSession, event: str, content: str = "") -> None:
        content_type = EVENT_PREFIX + event
        send = partial(self._participant.send_event, content_type=content_type, content=content)
        await self._chats.using_token(session, send)

    def _client(self, target: Target) -> AmazonConnectClient:
        return AmazonConnectClient(
            self._http,
            self._identity,
            self._budget,
            region=target.region,
            role_arn=target.role_arn,
        )


def _replies(session: VendorSession, message: OutboundMessage) -> Iterator[Reply]:
    """Return what a message is to Amazon Connect: what was taken, an answer to a view, or texts."""
    if message.answer is not None:
        yield reply_of(message.answer.token, message.text)
        return
    has_view = bool(session.state.get("has_view"))
    size = MAX_VIEW_TEXT_BYTES if has_view else MAX_CONTENT_BYTES
    for part in pieces(message.text, size, json_bytes if has_view else utf8_bytes):
        yield reply_to_view(part) if has_view else Reply(content=part)


class EventBudget:
    """Keeps typing, receipts and questions rare, so that messages always get through.

    A bucket shared by all sessions of an integration in this process.
    """

    def __init__(self, *, typing_seconds: float = TYPING_SECONDS) -> None:
        """Start full."""
        self._typing_seconds = typing_seconds
        self._left = BURST
        self._filled_at = time.monotonic()
        self._typed_at: Recent[float] = Recent(MAX_CHATS)
        self._question_at = 0.0

    def allows_typing(self, chat: str) -> bool:
        """Say whether an indicator is due in this chat and affordable."""
        now, typed_at = time.monotonic(), self._typed_at.get(chat)
        is_early = typed_at is not None and now - typed_at < self._typing_seconds
        if is_early or not self.allows_event():
            return False
        self._typed_at.put(chat, now)
        return True

    def allows_event(self) -> bool:
        """Take one event from the bucket, if there is any."""
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._filled_at) * EVENTS_PER_SECOND)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def allows_question(self) -> bool:
        """Take the turn to ask about a queue if it is free; who comes too early asks next time."""
        now = time.monotonic()
        if now < self._question_at:
            return False
        self._question_at = now + QUESTION_SECONDS
        return True
