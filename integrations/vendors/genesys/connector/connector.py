"""Genesys Cloud Open Messaging as a connector: client, mapping and socket behind our interface."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
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
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import CannotConnectError, ConnectorError, RejectedError
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.url_guard import is_local_host
from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.channel import MAX_CONVERSATIONS, NotificationChannel
from integrations.vendors.genesys.connector.credentials import (
    OVERRIDES,
    ConnectionChecks,
    host_of,
    normalised,
)
from integrations.vendors.genesys.connector.messages import Receiving, Sending, items_of, person_in
from integrations.vendors.genesys.connector.records import GenesysTiming, LearntQueues, Records
from integrations.vendors.genesys.connector.watch import ConversationWatch
from integrations.vendors.genesys.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.genesys.mapping.messages import (
    Notice,
    opening_bodies,
    person_of,
    queue_asked,
    receipt_body,
    typing_body,
)

# How long a start that was cut off can be taken up again.
_KEEP_SECONDS = 3600.0
_LOOKUPS = 4


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
        self._starting = Starting(
            self._client,
            tokens,
            queue_attribute=credentials.get("queue_name_attribute", ""),
            lookup_seconds=self._timing.lookup,
        )
        self._queues = LearntQueues(tokens)
        self._sending = Sending(self._client, self._records)
        self._receiving = Receiving(self._client, self._records)
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
        memory = self._records.memory(session.vendor_conversation_id)
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
            records=self._records,
            budget=self._client.budget,
            channel=self._channel,
            timing=self._timing,
            learn=partial(self._queues.learn, as_text(session.state.get("queue"))),
        )
        async with aclosing(watch.events()) as events:
            async for event in events:
                yield session, event
        self._records.forget(conversation_id)
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
        memory, now = self._records.memory(session.vendor_conversation_id), time.monotonic()
        is_due = now - memory.typing_sent_at >= self._timing.typing_out
        if is_typing and is_due and not self._client.budget.is_tight:
            memory.typing_sent_at = now
            await self._client.inbound_event(typing_body(person_in(session)))
        return session

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask about the queue that such a handoff last waited in, or else the default one.

        The flow chooses the queue, so what another name than before leads to is not known.
        """
        asked = queue_asked(request)
        known = "" if asked else self._credentials.get("queue_id", "")
        return await self._records.availability(known or await self._queues.of(asked))

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


class Starting:
    """Opens conversations; Genesys knows no repeated message, so what was sent is noted by us."""

    def __init__(
        self,
        client: GenesysClient,
        cache: TokenCache,
        *,
        queue_attribute: str,
        lookup_seconds: float,
    ) -> None:
        """Share the connector's client and cache."""
        self._client = client
        self._cache = cache
        self._queue_attribute = queue_attribute
        self._lookup_seconds = lookup_seconds

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Send summary and transcript, from where an earlier try got to."""
        person = person_of(request)
        bodies = opening_bodies(request, person, self._queue_attribute)
        noted = await self._noted(request.handoff_id)
        opened_at = as_text(noted.get("opened_at")) or datetime.now(UTC).isoformat()
        conversation_id = as_text(noted.get("conversation_id"))
        first_id = as_text(noted.get("first_id"))
        for number in range(as_count(noted.get("sent")) or 0, len(bodies)):
            answer = await self._client.inbound_message(bodies[number])
            first_id = first_id or as_text(answer.get("id"))
            conversation_id = conversation_id or as_text(answer.get("conversationId"))
            progress = {"sent": number + 1, "conversation_id": conversation_id}
            progress |= {"first_id": first_id, "opened_at": opened_at}
            await self._note(request.handoff_id, progress)
        conversation_id = conversation_id or await self._looked_up(first_id)
        return VendorSession(
            vendor_conversation_id=conversation_id,
            keys=(request.handoff_id,),
            state={
                "person": person,
                "first_id": first_id,
                "opened_at": opened_at,
                "queue": queue_asked(request),
            },
        )

    def unfinished(self, request: HandoffRequest, error: ConnectorError | None) -> VendorSession:
        """Name the handoff, under which its start has noted what it opened.

        Whose first answers were all lost has noted nothing: one more message brings the name.
        """
        first: Json = {}
        if isinstance(error, CannotConnectError) and error.is_in_doubt:
            first = opening_bodies(request, person_of(request), self._queue_attribute)[0]
        state = {"handoff_id": request.handoff_id, "first": first}
        return VendorSession(vendor_conversation_id="", state=state)

    async def unfinished_id(self, session: VendorSession) -> str:
        """Return the conversation that a start given up has opened; empty without one."""
        handoff_id = as_text(session.state.get("handoff_id"))
        noted = await self._noted(handoff_id)
        if not noted and (first := as_object(session.state.get("first"))):
            answer = await self._client.inbound_message(first)
            names = {"conversation_id": "conversationId", "first_id": "id"}
            noted = {ours: as_text(answer.get(theirs)) for ours, theirs in names.items()}
            await self._note(handoff_id, {"sent": 1, **noted})
        found, first_id = as_text(noted.get("conversation_id")), as_text(noted.get("first_id"))
        return found or (await self._looked_up(first_id) if first_id else "")

    async def _looked_up(self, message_id: str) -> str:
        """Ask for the conversation of the first message, where its answer did not name it."""
        for _ in range(_LOOKUPS):
            try:
                details = await self._client.message_details(message_id)
            except RejectedError:
                details = {}  # not there yet
            if found := as_text(details.get("conversationId")):
                return found
            await asyncio.sleep(self._lookup_seconds)
        raise CannotConnectError("inbound_message: Genesys has named no conversation yet")

    async def _noted(self, handoff_id: str) -> Json:
        text = await self._cache.get(f"start:{handoff_id}")
        return as_object(json.loads(text)) if text else {}

    async def _note(self, handoff_id: str, progress: Json) -> None:
        await self._cache.set(f"start:{handoff_id}", json.dumps(progress), _KEEP_SECONDS)
