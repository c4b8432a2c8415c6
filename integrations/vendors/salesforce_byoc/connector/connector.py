"""Salesforce Bring Your Own Channel as a connector: client, mapping and topic together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar

from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    ReceiptKind,
    TokenCache,
    VendorSession,
)
from integrations.contract.errors import ConnectorError, ConversationGoneError, RejectedError
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.conversation_entries.answers import messages_of, said, whole_of
from integrations.kit.conversation_entries.entries import Entry, entry_from_json
from integrations.kit.conversation_entries.opening import opening_messages, routing_attributes
from integrations.kit.conversation_entries.progress import (
    ConversationProgress,
    last_minute,
    said_after_end,
)
from integrations.kit.json_values import Json, as_object, as_text
from integrations.kit.waiting import ReconnectTiming
from integrations.vendors.salesforce_byoc.client.access import channel_access
from integrations.vendors.salesforce_byoc.client.interactions import (
    PAGE_SIZE,
    InteractionClient,
)
from integrations.vendors.salesforce_byoc.connector.checks import (
    ConnectionChecks,
    credential_errors,
    normalised,
)
from integrations.vendors.salesforce_byoc.connector.topic import (
    RECONNECT,
    EventTopic,
    Place,
    Received,
)
from integrations.vendors.salesforce_byoc.manifest import MANIFEST
from integrations.vendors.salesforce_byoc.mapping import (
    ROUTING_REQUESTED,
    TEXT_LIMIT,
    Envelope,
    capabilities,
    entry_of,
    envelope_of,
    file_interaction,
    routing_info,
    subject_of,
    text_interaction,
    typing_interaction,
    wanted_work,
)

_MAX_PAGES = 40
_RECEIPTS = {ReceiptKind.DELIVERED: ("Delivered",), ReceiptKind.READ: ("Delivered", "Read")}


class SalesforceByocConnector(Connector):
    """Plays the operator of a channel of its own."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: ReconnectTiming = RECONNECT,
    ) -> None:
        """Keep the decrypted credentials; `timing` shortens the waits for tests."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._access = channel_access(http, tokens, credentials)
        self._client = InteractionClient(http, self._access, credentials)
        self._topic = EventTopic(
            http,
            self._access,
            instance_url=credentials.get("instance_url", ""),
            topic=credentials.get("event_topic") or "/event/Portal_Out__e",
            read=self._read,
            timing=timing,
        )

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Convert addresses, ids and keys to the form the APIs want."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Check what the chosen OAuth flow needs, the key, and the attributes' limits."""
        return credential_errors(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask for a token and for things by name; live agents see nothing of it."""
        return ConnectionChecks(self._http, self._access, self._client, self._credentials).run()

    async def on_connected(self, webhook_urls: Mapping[str, str]) -> Mapping[str, str]:
        """Say what the portal can draw: without that live agents can send text alone."""
        await self._client.register_capabilities(capabilities(self._client.definition()))
        return {}

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Listen, establish the conversation, route it, and write summary and transcript."""
        subject = subject_of(request.handoff_id)
        try:
            place = await self._topic.begin()
            attributes = routing_attributes(
                request, self._credentials, is_authenticated=request.end_user.is_verified
            )
            conversation_id = await self._client.establish(subject, attributes)
            if (info := routing_info(request, self._credentials, attributes)) is not None:
                await self._client.route(conversation_id, info)
            for message_id, text in opening_messages(request, TEXT_LIMIT):
                await self._client.interact(subject, text_interaction(said(message_id, text)))
        except ConnectorError:
            await self._topic.rest()
            raise
        return VendorSession(
            vendor_conversation_id=conversation_id,
            cursor="" if place.replay_id is None else str(place.replay_id),
            state={"subject": subject, "run": place.run, "agents": {}, "had_agent": False},
        )

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the end user of the channel, who is made of the handoff's id."""
        return VendorSession(
            vendor_conversation_id="", state={"subject": subject_of(request.handoff_id)}
        )

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Follow the channel's event until this conversation has ended."""
        progress = ConversationProgress(session)
        keys = (session.vendor_conversation_id, _subject(session))
        place = Place.of(session.cursor, as_text(session.state.get("run")))
        async with aclosing(self._topic.follow(keys, place)) as events:
            async for received in events:
                for step in await self._steps(progress, received):
                    yield step
                if progress.has_ended:
                    return

    async def _steps(
        self, progress: ConversationProgress, received: Received
    ) -> list[tuple[VendorSession, VendorEvent]]:
        envelope, cursor = received.envelope, str(received.replay_id)
        conversation_id = progress.session.vendor_conversation_id
        if envelope is None:
            return []
        if envelope.kind == ROUTING_REQUESTED:
            await self._route_again(conversation_id, envelope)
            return []
        entry = entry_of(envelope, conversation_id)
        if entry is None:
            return [progress.malformed(f"event:{cursor}", cursor)]
        return progress.apply(entry, cursor)

    async def _route_again(self, conversation_id: str, envelope: Envelope) -> None:
        """Answer a request for routing with the live agent or the queue that it names."""
        work, info = wanted_work(envelope.content)
        try:
            if work is not None:
                await self._client.agent_work(work)
            elif info is not None:
                kind = as_text(envelope.content.get("routingType")) or "Transfer"
                await self._client.route(conversation_id, info, routing_type=kind)
        except RejectedError as error:
            # Salesforce tells by an entry of its own that nobody has it.
            self._http.note("routing_requested", error.code)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text or an answer under an id of ours, which makes a repeat harmless."""
        for part in messages_of(message, TEXT_LIMIT):
            await self._client.interact(_subject(session), text_interaction(part))
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Send one file."""
        file = (attachment.file_name, attachment.mime_type, attachment.content)
        await self._client.interact(_subject(session), file_interaction(attachment), file)
        return session

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file, without any token."""
        return await self._client.fetch_attachment(url)

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide that the end user is typing."""
        await self._client.type(_subject(session), typing_interaction(is_typing=is_typing))
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message; there is no word for one that nobody can get."""
        if kind in _RECEIPTS:
            entry_id, _, _ = vendor_message_id.partition(":")  # several events may be of one entry
            await self._client.acknowledge(
                _subject(session), session.vendor_conversation_id, entry_id, _RECEIPTS[kind]
            )
        return session

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Read in the entries which messages came behind the end: those opened a new session."""
        try:
            entries = await self._entries(session)
        except ConversationGoneError:
            return frozenset()
        ids = [message.message_id for message in messages]
        late = {whole_of(one, ids, TEXT_LIMIT) for one in said_after_end(entries)}
        return frozenset(late.intersection(ids))

    async def _entries(self, session: VendorSession) -> list[Entry]:
        conversation_id, start = session.vendor_conversation_id, last_minute(session)
        found: list[Entry] = []
        for _ in range(_MAX_PAGES):
            page = await self._client.entries(conversation_id, start)
            read = [entry_from_json(one, conversation_id=conversation_id) for one in page]
            entries = [entry for entry in read if entry is not None]
            found += entries
            if len(page) < PAGE_SIZE or not entries:
                break
            start = max(entries[-1].milliseconds, start + 1)
        return found

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """End the messaging session for whatever reason: Salesforce takes none.

        Of a start that was given up the conversation is looked up by its end user, which opens one
        where there is none; it is ended at once.
        """
        subject, conversation_id = _subject(session), session.vendor_conversation_id
        try:
            conversation_id = conversation_id or await self._client.establish(subject, {})
            await self._client.end_session(subject, conversation_id)
        except ConversationGoneError:
            return

    async def close(self) -> None:
        """Stop listening to the topic."""
        await self._topic.rest()

    def _read(self, payload: Json) -> Envelope | None:
        return envelope_of(
            payload,
            payload_field=self._credentials.get("payload_field") or "Payload__c",
            type_field=self._credentials.get("type_field") or "EventType__c",
        )


def _subject(session: VendorSession) -> str:
    return as_text(as_object(session.state).get("subject"))
