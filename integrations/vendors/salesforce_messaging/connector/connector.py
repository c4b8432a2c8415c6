"""Salesforce Messaging as a connector: client, mapping and stream behind our interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
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
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    RejectedError,
)
from integrations.contract.events import MessageFailed, VendorEvent
from integrations.contract.manifest import AttachmentLimits, Manifest
from integrations.http.client import HttpClient
from integrations.kit.conversation_entries.answers import messages_of, said, whole_of
from integrations.kit.conversation_entries.opening import (
    language_for,
    opening_messages,
    routing_attributes,
)
from integrations.kit.conversation_entries.progress import last_minute, said_after_end
from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.kit.recent import Recent
from integrations.vendors.salesforce_messaging.client import AccessToken, SalesforceMessagingClient
from integrations.vendors.salesforce_messaging.connector.access import (
    ConnectionChecks,
    ConversationTokens,
    credential_errors,
    normalised,
)
from integrations.vendors.salesforce_messaging.connector.stream import (
    ConversationStream,
    StreamTiming,
    entry_pages,
)
from integrations.vendors.salesforce_messaging.manifest import MANIFEST, VERIFIED
from integrations.vendors.salesforce_messaging.mapping import (
    conversation_id_for,
    session_opening,
    text_limit,
)

IDENTITY_REQUIRED = "identity_required"
# Who takes over a thousand conversations lists their entries over few connections.
LISTING_AT_ONCE = 64
WHOLES_KEPT = 5000
_NOT_FOUND = 404
_NEEDS_NEW_SESSION = 417
_FILE_REFUSED = (400, 413, 415)
_OFF = ("false", "off", "0", "no")
_RECEIPTS = {ReceiptKind.DELIVERED: ("Delivery",), ReceiptKind.READ: ("Delivery", "Read")}


class SalesforceMessagingConnector(Connector):
    """Plays the end user's client of a Custom Client deployment."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: StreamTiming | None = None,
    ) -> None:
        """Keep the decrypted credentials; `timing` shortens the waits for tests."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing or StreamTiming()
        self._listing = asyncio.Semaphore(LISTING_AT_ONCE)
        # Part of a long line -> the line: what fails late is told of the whole.
        self._wholes: Recent[str] = Recent(WHOLES_KEPT)
        self._client = SalesforceMessagingClient(
            http,
            # A draft under test may lack any of them: the checks say so, not this line.
            base_url=credentials.get("scrt_url", ""),
            org_id=credentials.get("org_id", ""),
            es_developer_name=credentials.get("es_developer_name", ""),
        )
        self._access = ConversationTokens(
            client=self._client, http=http, cache=tokens, credentials=credentials
        )

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Convert addresses, ids and keys to the form the API wants."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Check the address's spelling, the attributes' limits, and the key."""
        return credential_errors(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask for tokens and a stream; Salesforce's live agents see nothing of it."""
        return ConnectionChecks(
            client=self._client, http=self._http, credentials=self._credentials
        ).run()

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Create the conversation and write summary and transcript into it."""
        subject = self._verified_subject(request)
        conversation_id = conversation_id_for(request.handoff_id)
        token = await self._access.open(conversation_id, subject=subject)
        self._require_identity(is_authenticated=token.is_authenticated)
        attributes = routing_attributes(
            request, self._credentials, is_authenticated=token.is_authenticated
        )
        language = language_for(request)
        await self._client.create_conversation(
            token, conversation_id, routing_attributes=attributes, language=language
        )
        new_session = session_opening(attributes, language)
        for message_id, text in opening_messages(request, text_limit(new_session)):
            await self._say(conversation_id, said(message_id, text), new_session, token)
        return VendorSession(
            vendor_conversation_id=conversation_id,
            cursor=token.last_event_id,
            state={
                "is_authenticated": token.is_authenticated,
                "subject": subject if token.is_authenticated else "",
                "agents": {},
                "had_agent": False,
                "seen": 0,
                # Until a live agent comes, a message may open the next session.
                "new_session": new_session,
                "max_file_bytes": token.max_file_bytes,
            },
        )

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the conversation, whose id is made of the handoff's, and whose it is."""
        user = request.end_user
        is_vouched_for = self._is_verifying and user.is_verified
        return VendorSession(
            vendor_conversation_id=conversation_id_for(request.handoff_id),
            state={"subject": user.external_id if is_vouched_for else "", "is_unfinished": True},
        )

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Follow the end user's event stream until this conversation has ended."""
        stream = ConversationStream(
            client=self._client,
            tokens=self._access,
            timing=self._timing,
            session=session,
            listing=self._listing,
        )
        async with aclosing(stream.steps()) as steps:
            async for after, event in steps:
                if isinstance(event, MessageFailed):
                    whole = await self._whole_of(after, event.vendor_message_id)
                    event = replace(event, vendor_message_id=whole)
                yield after, event

    async def _whole_of(self, session: VendorSession, failed_id: str) -> str:
        """Return the id of the line of which this one is a part; its own where it is none.

        Another worker may have sent it: then the end user's messages in the list tell.
        """
        if known := self._wholes.get(failed_id):
            return known
        conversation_id, limit = session.vendor_conversation_id, text_limit(_opening(session))
        try:
            found = await self._access.using(
                session, lambda token: self._client.newest_messages(token, conversation_id)
            )
        except ConnectorError:
            return failed_id
        return whole_of(failed_id, [as_text(one.get("identifier")) for one in found], limit)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, in parts if it is long, or an answer; its id makes a repeat harmless.

        Once a live agent has been there it opens no further session: what it was to join is over.
        """
        opening = _opening(session)
        new_session = None if session.state.get("had_agent") else opening
        for part in messages_of(message, text_limit(opening)):
            self._wholes.put(as_text(part.get("id")), message.message_id)
            say = partial(self._say, session.vendor_conversation_id, part, new_session)
            await self._access.using(session, say)
        return session

    async def _say(
        self,
        conversation_id: str,
        message: Json,
        new_session: Mapping[str, object] | None,
        token: AccessToken,
    ) -> None:
        if not await self._client.send_message(
            token, conversation_id, message, new_session=new_session
        ):
            await self._require_echo(token, conversation_id, as_text(message.get("id")))

    async def _require_echo(
        self, token: AccessToken, conversation_id: str, message_id: str
    ) -> None:
        """Look for a message that Salesforce calls a duplicate: only its history shows that."""
        found = await self._client.newest_messages(token, conversation_id)
        if all(entry.get("identifier") != message_id for entry in found):
            raise CannotConnectError("send_message: called a duplicate, but it is not in the list")

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file; where the channel takes none now, its address is sent as text."""
        conversation_id = session.vendor_conversation_id
        message_id = attachment.attachment_id.lower()

        async def send(token: AccessToken) -> None:
            if not await self._client.send_file(
                token,
                conversation_id,
                message_id=message_id,
                file_name=attachment.file_name,
                content=attachment.content,
            ):
                await self._require_echo(token, conversation_id, message_id)

        try:
            await self._access.using(session, send)
        except (RejectedError, ConversationGoneError) as error:
            if not (_is_refused_file(error, session) and attachment.public_url):
                raise
            return await self.send_message(session, _link(attachment))
        return session

    @classmethod
    def attachment_limits(cls, session: VendorSession) -> AttachmentLimits | None:
        """Return the size that the channel's token answer named."""
        known, size = MANIFEST.attachments, as_count(session.state.get("max_file_bytes"))
        return replace(known, max_bytes=size) if known and size else None

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file, without any token."""
        return await self._client.fetch_attachment(url)

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide that the end user is typing."""
        kind = "TypingStartedIndicator" if is_typing else "TypingStoppedIndicator"
        conversation_id = session.vendor_conversation_id
        await self._access.using(
            session, lambda token: self._client.send_entry(token, conversation_id, kind)
        )
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message; Salesforce wants the delivery before the reading.

        It has no word for one that nobody can get any more.
        """
        if kind not in _RECEIPTS:
            return session
        entry_id, _, _ = vendor_message_id.partition(":")  # several events may be of one entry
        await self._access.using(
            session,
            lambda token: self._client.acknowledge_entries(
                token, session.vendor_conversation_id, entry_id, _RECEIPTS[kind]
            ),
        )
        return session

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Read in the entries which messages came behind the end: those opened a new session."""

        async def read(token: AccessToken) -> frozenset[str]:
            pages = entry_pages(
                self._client,
                token,
                session.vendor_conversation_id,
                start=last_minute(session),
                listing=self._listing,
            )
            return said_after_end([entry async for page in pages for entry in page])

        late = await self._access.using(session, read)
        return late.intersection(message.message_id for message in messages)

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """End the messaging session for whatever reason: Salesforce takes none."""
        conversation_id = session.vendor_conversation_id
        try:
            await self._access.using(
                session, lambda token: self._client.end_session(token, conversation_id)
            )
        except ConversationGoneError as error:
            is_absent = session.state.get("is_unfinished") and error.status == _NOT_FOUND
            if not is_absent and await self._access.is_known(conversation_id):
                # The only token there can be was refused, and may be taken again.
                raise InvalidAuthError(error.message) from error
            # Nobody can reach it any more; Salesforce's own timeouts are left.
        await self._access.forget(conversation_id)

    def _verified_subject(self, request: HandoffRequest) -> str:
        """Return whom to vouch for; empty for an anonymous end user."""
        user = request.end_user
        is_verified = user.is_verified and bool(user.external_id)
        subject = user.external_id if self._is_verifying and is_verified else ""
        self._require_identity(is_authenticated=bool(subject))
        return subject

    def _require_identity(self, *, is_authenticated: bool) -> None:
        allowed = self._credentials.get("anonymous_allowed", "true").lower() not in _OFF
        if self._is_verifying and not is_authenticated and not allowed:
            raise RejectedError(
                "Salesforce Messaging: the end user is not verified", vendor_code=IDENTITY_REQUIRED
            )

    @property
    def _is_verifying(self) -> bool:
        return self._credentials.get("mode") == VERIFIED


def _opening(session: VendorSession) -> Mapping[str, object]:
    """Return what opens a further session: attributes and language of the first."""
    return as_object(session.state.get("new_session")) or session_opening({}, "")


def _is_refused_file(error: ConnectorError, session: VendorSession) -> bool:
    """Say whether a text may go in place of a file: only a text opens a session."""
    if error.status == _NEEDS_NEW_SESSION:
        return not session.state.get("had_agent")
    return error.status in _FILE_REFUSED


def _link(attachment: OutboundAttachment) -> OutboundMessage:
    return OutboundMessage(
        message_id=attachment.attachment_id,
        text=f"{attachment.file_name}: {attachment.public_url}",
        sent_at=datetime.now(UTC),
    )
