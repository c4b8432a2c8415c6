"""Genesys Cloud Open Messaging as a connector: client, mapping and socket behind our interface."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
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
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import ConnectorError
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.url_guard import is_local_host
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.channel import MAX_CONVERSATIONS, NotificationChannel
from integrations.vendors.genesys.connector.checks import ConnectionChecks
from integrations.vendors.genesys.connector.memory import GenesysTiming, Memories
from integrations.vendors.genesys.connector.receiving import Receiving, items_of
from integrations.vendors.genesys.connector.records import Records
from integrations.vendors.genesys.connector.sending import Sending, Starting, person_in
from integrations.vendors.genesys.connector.watch import ConversationWatch
from integrations.vendors.genesys.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.genesys.mapping.events import Notice
from integrations.vendors.genesys.mapping.messages import receipt_body, typing_body
from integrations.vendors.genesys.mapping.region import OVERRIDES, host_of, normalised


class GenesysConnector(Connector):
    """Plays the end user's channel; hears words by webhook and presence by socket."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: GenesysTiming | None = None,
        max_followed: int = MAX_CONVERSATIONS,
    ) -> None:
        """Keep the decrypted credentials; `timing` shortens the waits for tests.

        `max_followed` conversations share the notification channel; others are asked about.
        """
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing or GenesysTiming()
        self._client = GenesysClient(http, cache=tokens, credentials=credentials)
        self._records = Records(self._client, http.note)
        self._memories = Memories()
        self._starting = Starting(
            self._client,
            tokens,
            queue_attribute=credentials.get("queue_name_attribute", ""),
            lookup_seconds=self._timing.lookup,
        )
        self._sending = Sending(self._client, self._records, self._memories)
        self._receiving = Receiving(self._client, self._records, self._memories, http.note)
        self._channel: NotificationChannel | None = None
        if credentials.get("use_notifications", "true") != "false":
            self._channel = NotificationChannel(self._client, self._timing, max_followed)

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read regions and ids out of whatever was pasted."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Let nothing but a local simulator take Genesys's place: the secret goes there."""
        problem = "Only a simulator on this machine may stand in for Genesys. Leave this empty."
        return {
            name: problem
            for name in OVERRIDES
            if values.get(name) and not is_local_host(host_of(values[name]))
        }

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask for token, integration, routing and permissions; live agents see nothing of it."""
        return self._checks().run()

    def probe(self) -> AsyncIterator[CheckResult]:
        """Leave out what would take notification channels away from open conversations."""
        return self._checks().run(is_probe=True)

    def _checks(self) -> ConnectionChecks:
        return ConnectionChecks(self._client, self._http, self._credentials)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the conversation with the attributes, the summary and the transcript."""
        session = await self._starting.start(request)
        memory = self._memories.of(session.vendor_conversation_id)
        memory.has_sent = memory.is_fresh = True
        return session

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Find what a start that failed has opened, as far as it noted that."""
        return self._starting.unfinished(request, error)

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Tell who comes and goes until the conversation has ended; words come by webhook."""
        conversation_id = session.vendor_conversation_id
        watch = ConversationWatch(
            conversation_id,
            self._memories.of(conversation_id),
            records=self._records,
            budget=self._client.budget,
            channel=self._channel,
            timing=self._timing,
        )
        async with aclosing(watch.events()) as events:
            async for event in events:
                yield session, event
        self._memories.forget(conversation_id)
        self._receiving.forget(conversation_id)

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify the signature, refuse what is old, and name whose it is."""
        return items_of(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one body into events, after what missed calls have said; confirm it to Genesys."""
        events = await self._receiving.events(session, item)
        return [(session, event) for event in events]

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, split where it is too long."""
        await self._sending.message(session, message)
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Send a file's address, from which Genesys fetches it."""
        await self._sending.attachment(session, attachment)
        return session

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a file or a card's image, without credentials: the address is its own key."""
        return await download(self._http, url, max_bytes=MAX_FILE_BYTES)

    @classmethod
    def said_in(cls, item: WebhookItem) -> str:
        """Return the id of a word, as receipts name it."""
        notice = Notice(conversation_id="", body=item.body)
        return notice.identifier if notice.is_spoken and not notice.is_ours else ""

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Say that nobody gets a message any more; arrivals are told by `receive`."""
        if kind is ReceiptKind.FAILED:
            body = receipt_body(person_in(session), vendor_message_id, is_delivered=False)
            await self._client.inbound_receipt(body)
        return session

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show typing, seldom enough to leave room for messages; it goes out by itself."""
        memory, now = self._memories.of(session.vendor_conversation_id), time.monotonic()
        is_due = now - memory.typing_sent_at >= self._timing.typing_out
        if is_typing and is_due and not self._client.budget.is_tight:
            memory.typing_sent_at = now
            await self._client.inbound_event(typing_body(person_in(session)))
        return session

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask about the default queue, if there is one."""
        return await self._records.availability(self._credentials.get("queue_id", ""))

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Read what the threading window has pulled back into the conversation behind its end."""
        late = await self._records.late(session.vendor_conversation_id)
        return frozenset(late.intersection(message.message_id for message in messages))

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Disconnect the end user for whatever reason: Genesys takes none."""
        conversation_id = session.vendor_conversation_id
        if not conversation_id:
            conversation_id = await self._starting.unfinished_id(session)
        if conversation_id:
            await self._sending.end(conversation_id)

    async def close(self) -> None:
        """Close the socket; confirmations still on their way are given up."""
        if self._channel is not None:
            await self._channel.close()
        await self._receiving.close()
