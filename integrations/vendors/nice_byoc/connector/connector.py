"""NICE CXone as a channel of our own: DFO 3.0 out, the integration box in, and the record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from integrations.contract.checks import CheckFailedError, run_checks
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
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RateLimitedError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.digital_messages.content import answer_text, text_content
from integrations.kit.digital_messages.opening import (
    context_of,
    custom_fields,
    first_texts,
    numbered,
    stable_id,
)
from integrations.kit.digital_messages.progress import CLOSED, Step
from integrations.kit.json_values import Json, as_id, as_object, as_text, iso_moment
from integrations.kit.recent import Recent
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.nice_byoc.client import NiceByocClient
from integrations.vendors.nice_byoc.connector.box import OUTBOUND, parsed
from integrations.vendors.nice_byoc.connector.progress import ContactProgress
from integrations.vendors.nice_byoc.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.nice_byoc.mapping.opening import Author, author_of, new_message

MAX_SESSIONS = 5000
RECEIPTS: Mapping[ReceiptKind, str] = {
    ReceiptKind.DELIVERED: "delivered",
    ReceiptKind.READ: "seen",
    ReceiptKind.FAILED: "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTiming:
    """Seconds: how often a contact is looked at, its messages are read, and when to give up."""

    poll: float = 3.0
    history: float = 20.0
    # The record may come a moment after the call.
    lag: float = 0.3
    give_up: float = 240.0
    first_delay: float = 1.0
    max_delay: float = 30.0

    def losses(self) -> Reconnecting:
        """Return a counter of failures that gives up in time."""
        first, longest = self.first_delay, self.max_delay
        return Reconnecting(ReconnectTiming(first=first, longest=longest, give_up=self.give_up))


class NiceByocConnector(Connector):
    """One thread and one contact for each handoff."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: PollTiming | None = None,
    ) -> None:
        """Keep what every handoff of this connection shares."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing or PollTiming()
        self._client = NiceByocClient(http, tokens, credentials)
        self._contacts: Recent[ContactProgress] = Recent(MAX_SESSIONS)
        self._ends_on_resolved = credentials.get("end_on_resolved", "true") != "false"

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Take the slashes off the ends of addresses."""
        hosts = {n: values.get(n, "").rstrip("/") for n in ("discovery_host", "api_host")}
        return {**values, **hosts}, ()

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Get a token, and find the channel with its integration."""
        passed: list[str] = []

        async def token() -> str:
            await self._client.token(is_fresh=True)
            passed.append("token")
            return ""

        async def channel() -> str:
            if not passed:
                raise CheckFailedError("skipped")
            return await self._find_channel()

        return run_checks([("token", token), ("channel", channel)])

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the contact with its first messages; a repeat finds them in the record."""
        session = self._session(request)
        progress = self._progress(session)
        await self._see(progress)
        context = context_of(request)
        texts = first_texts(request, context)
        for message_id, text in numbered(request.handoff_id, texts):
            fields = custom_fields(context)
            await self._say(progress, message_id, text_content(text), fields=fields)
        return progress.session

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the thread and the end user, by whom its contacts are found."""
        return self._session(request)

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Look at the contact again and again: no call tells who has it, or that it is over."""
        # What was told and not stored is told again.
        self._contacts.discard(session.vendor_conversation_id)
        progress, read_at = self._progress(session), 0.0
        losses = self._timing.losses()
        loop = asyncio.get_running_loop()
        while not progress.has_ended:
            try:
                is_due = progress.news.is_set() or loop.time() - read_at >= self._timing.history
                progress.news.clear()
                steps = await self._looked(progress, is_due=is_due)
                read_at = loop.time() if is_due else read_at
                losses.connected()
            except (CannotConnectError, RateLimitedError) as error:
                await losses.pause(error)
                continue
            for step in steps:
                yield step
            if not progress.has_ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._timing.poll):
                        await progress.news.wait()

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Give CXone its token, or verify the one it has and take what it says."""
        return parsed(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn a call into events; what the record has is left to `listen`, woken by it."""
        progress = self._progress(session)
        if progress.has_ended:
            return []
        if item.body.get("kind") != OUTBOUND:
            return progress.item(item)
        try:
            contact = {} if progress.agent else await self._contact(progress)
            messages = await self._recorded(progress, item)
        except ConnectorError as error:
            self._http.note("contact_messages", error.code)
            return progress.item(item)
        if progress.record_of(item, messages):
            progress.news.set()  # one tells them all, in their order
            return []
        steps = progress.assigned(contact) if contact and not progress.is_over(contact) else []
        return [*steps, *progress.item(item)]

    @classmethod
    def said_in(cls, item: WebhookItem) -> str:
        """Return the id that we gave a message."""
        return item.item_id if item.body.get("kind") == OUTBOUND else ""

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, or the answer to what a message offered."""
        content = text_content(*answer_text(message))
        return await self._send(session, message.message_id, content, at=message.sent_at)

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file for a while, and name it in a message without a text."""
        progress = self._progress(session)
        await self._see(progress)
        if attachment.attachment_id in progress.known:
            return session
        url = await self._client.temporary_attachment(attachment)
        file = {"friendlyName": attachment.file_name, "url": url}
        return await self._send(
            session, attachment.attachment_id, text_content(""), attachments=[file]
        )

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file."""
        return await self._client.download(url, MAX_FILE_BYTES)

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide the end user's typing."""
        action = "isTypingOn" if is_typing else "isTypingOff"
        await self._client.sender_action(session.vendor_conversation_id, action)
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Say how far an agent's message came, by the id that we gave it."""
        name = self._progress(session).name_for_receipt(vendor_message_id)
        if name:
            now = iso_moment(datetime.now(UTC))
            await self._client.message_status(name, {"status": RECEIPTS[kind], "updatedAt": now})
        return session

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Return the messages that went into another contact than the one that is over."""
        ended = as_text(session.state.get("ended")) or as_text(session.state.get("contact_id"))
        late: set[str] = set()
        for contact in await self._own_contacts(session):
            if (contact_id := as_id(contact.get("id"))) != ended:
                found = await self._client.contact_messages(contact_id)
                late |= {as_text(one.get("idOnExternalPlatform")) for one in found}
        return frozenset(late & {message.message_id for message in messages})

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Close every contact of the handoff's thread that is open."""
        for contact in await self._own_contacts(session):
            if as_text(contact.get("status")) not in CLOSED:
                await self._client.close_contact(as_id(contact.get("id")))

    async def _find_channel(self) -> str:
        channels = await self._client.channels()
        wanted = self._credentials.get("channel_id", "")
        found = next((one for one in channels if as_id(one.get("id")) == wanted), None)
        if found is None:
            raise CheckFailedError("invalid_routing", "The tenant has no such channel.")
        theirs = as_text(found.get("channelIntegrationId"))
        ours = self._credentials.get("integration_id", "")
        if theirs and theirs.lower() != ours.lower():
            raise CheckFailedError("wrong_type", "The channel belongs to another integration.")
        return self._http.without_secrets(as_text(found.get("name")))

    async def _send(
        self,
        session: VendorSession,
        message_id: str,
        content: Mapping[str, object],
        *,
        at: datetime | None = None,
        attachments: list[dict[str, str]] | None = None,
    ) -> VendorSession:
        progress = self._progress(session)
        if progress.has_ended:
            raise ConversationGoneError("messages: the contact is over")
        await self._see(progress)
        await self._say(progress, message_id, content, at=at, attachments=attachments)
        return progress.placed(session)

    async def _see(self, progress: ContactProgress) -> None:
        """Read the record, where it may hold something of ours that we do not know of."""
        if not progress.is_in_doubt:
            return
        contact = await self._contact(progress)
        for message in await self._messages(progress):
            if message.get("direction") == "inbound":
                progress.known.put(as_text(message.get("idOnExternalPlatform")), True)
        if contact and progress.is_over(contact):
            raise ConversationGoneError("messages: the contact is over")
        progress.is_in_doubt = False

    async def _say(
        self,
        progress: ContactProgress,
        message_id: str,
        content: Mapping[str, object],
        *,
        at: datetime | None = None,
        fields: list[dict[str, str]] | None = None,
        attachments: list[dict[str, str]] | None = None,
    ) -> None:
        """Send a message that is not in the record; its answer names its contact."""
        if message_id in progress.known:
            return
        body = new_message(
            _author(progress.session),
            progress.session.vendor_conversation_id,
            message_id,
            content,
            at=at or datetime.now(UTC),
            fields=fields,
            attachments=attachments,
        )
        try:
            answer = await self._client.messages(body)
        except ConnectorError:
            progress.is_in_doubt = True
            raise
        progress.known.put(message_id, True)
        contact = as_object(answer.get("consumerContact"))
        self._need_same(progress, as_id(contact.get("id")))
        progress.opened(contact, as_object(answer.get("message")))

    @staticmethod
    def _need_same(progress: ContactProgress, contact_id: str) -> None:
        """Find out whether a message has opened another contact, because the first is over."""
        is_another = progress.contact_id and contact_id and contact_id != progress.contact_id
        if is_another and progress.had_agent:
            raise ConversationGoneError("messages: the contact is over", opened=contact_id)

    async def _looked(self, progress: ContactProgress, *, is_due: bool) -> list[Step]:
        """Look at the contact; before its end is told, what was said before it."""
        contact = await self._contact(progress)
        is_over = progress.is_over(contact)
        messages = await self._messages(progress) if is_due or is_over else []
        steps = [] if is_over else progress.assigned(contact)
        steps += progress.messages(messages)
        return [*steps, *progress.ended()] if is_over else steps

    async def _recorded(self, progress: ContactProgress, item: WebhookItem) -> list[Json]:
        """Read the messages until they have what a call says, but no longer than a moment."""
        messages = await self._messages(progress)
        if not progress.record_of(item, messages):
            await asyncio.sleep(self._timing.lag)
            messages = await self._messages(progress)
        return messages

    async def _contact(self, progress: ContactProgress) -> Json:
        """Return the contact; it is found by thread where no answer has named it."""
        if progress.contact_id:
            return await self._client.contact(progress.contact_id)
        own = await self._own_contacts(progress.session)
        newest = max(own, key=lambda one: as_text(one.get("createdAt")), default={})
        progress.opened(newest, {})
        return newest

    async def _messages(self, progress: ContactProgress) -> list[Json]:
        if not progress.contact_id:
            return []
        return await self._client.contact_messages(progress.contact_id)

    async def _own_contacts(self, session: VendorSession) -> list[Json]:
        """Return the contacts of the handoff's thread; the end user may have others."""
        # A stray is named by its contact: the thread is in the state.
        thread_id, known = session.state.get("thread_id"), session.state.get("contact_id")
        return [
            one
            for one in await self._client.contacts_of(_author(session).id)
            if as_text(one.get("threadIdOnExternalPlatform")) == thread_id
            or as_id(one.get("id")) == known
        ]

    def _progress(self, session: VendorSession) -> ContactProgress:
        return self._contacts.of(
            session.vendor_conversation_id,
            lambda: ContactProgress(session, ends_on_resolved=self._ends_on_resolved),
        )

    def _session(self, request: HandoffRequest) -> VendorSession:
        author, thread_id = author_of(request), stable_id(request.handoff_id, "thread")
        state = {
            "thread_id": thread_id,
            "end_user_id": author.id,
            "first_name": author.first_name,
            "last_name": author.last_name,
        }
        return VendorSession(vendor_conversation_id=thread_id, state=state)


def _author(session: VendorSession) -> Author:
    state = session.state
    return Author(
        id=as_text(state.get("end_user_id")),
        first_name=as_text(state.get("first_name")),
        last_name=as_text(state.get("last_name")),
    )
