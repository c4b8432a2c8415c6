"""NICE CXone's chat channel as a connector: the guest protocol behind our interface."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
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
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    NoLiveAgentsError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import AttachmentLimits, Manifest
from integrations.http.client import HttpClient
from integrations.kit.digital_messages.content import answer_text, text_content
from integrations.kit.digital_messages.progress import CLOSED, RESOLVED
from integrations.kit.hints import hint_text, identity_of
from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.vendors.nice_chat.client import NiceChatClient
from integrations.vendors.nice_chat.connector.checks import ConnectionChecks
from integrations.vendors.nice_chat.connector.guests import Guests
from integrations.vendors.nice_chat.connector.socket import (
    GuestSocket,
    RefusedRequestError,
    SocketTiming,
    end_guest,
)
from integrations.vendors.nice_chat.connector.stream import ThreadListener
from integrations.vendors.nice_chat.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.nice_chat.mapping.channel import Channel, is_online
from integrations.vendors.nice_chat.mapping.hosts import hosts_for, normalised, problems
from integrations.vendors.nice_chat.mapping.opening import ids_of, opening_of


class NiceChatConnector(Connector):
    """One guest, one thread and, while anybody needs it, one socket for each handoff."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: SocketTiming | None = None,
    ) -> None:
        """Keep what every guest of this connection shares."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing or SocketTiming()
        self._brand_id = credentials.get("brand_id", "")
        self._client = self._client_of("")
        self._guests = Guests(self._client, tokens, brand_id=self._brand_id, timing=self._timing)
        self._renamed: Mapping[str, str] = json.loads(credentials.get("custom_field_map") or "{}")
        self._ends_on_resolved = credentials.get("end_on_resolved", "true") != "false"

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Take the channel's id out of a pasted script, and write addresses as https."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Ask for the hosts of an environment of one's own."""
        return problems(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Read the channel, come in as a guest, compare the fields."""
        return ConnectionChecks(
            self._http, self._guests, self._credentials, self._client_of, self._renamed
        ).run()

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the thread's contact with its first messages; a repeat finds them there."""
        session = self._session(request)
        channel = await self._guests.channel(as_text(session.state["channel_id"]), is_fresh=True)
        if channel.is_live_chat and not channel.is_online:
            raise NoLiveAgentsError("start: the live chat is offline")
        opening = opening_of(request, channel, self._renamed)
        if opening.missing:
            raise InvalidRoutingError(f"start: no value for the field {opening.missing[0]}")
        async with self._guests.using(session, is_new=True) as socket:
            await self._see(socket)
            for number, (message_id, text) in enumerate(opening.texts):
                more = _first_of_contact(opening.contact_fields, opening.customer_fields, channel)
                await self._say(
                    socket, message_id, text_content(text), more=more if number == 0 else {}
                )
            await self._guests.hold(session)
        limits = {"max_bytes": channel.max_bytes or 0, "mime_types": list(channel.mime_types)}
        return replace(session, state={**session.state, "files": limits})

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the thread: its id follows from the handoff's."""
        return self._session(request)

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Follow the thread over the guest's socket until its contact is over."""
        listener = ThreadListener(
            session,
            guests=self._guests,
            client=self._client,
            timing=self._timing,
            ends_on_resolved=self._ends_on_resolved,
        )
        async with aclosing(listener.steps()) as steps:
            async for step in steps:
                yield step

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, or the answer to what a message offered."""
        text, postback = answer_text(message)
        await self._send(session, message.message_id, text_content(text, postback))
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file, and send its address in a message without a text."""
        async with self._guests.using(session) as socket:
            await self._see(socket)
            if attachment.attachment_id in socket.known:
                return session
            url = await self._client.attachment(socket.guest.channel_id, attachment)
        file = {"url": url, "friendlyName": attachment.file_name, "mimeType": attachment.mime_type}
        await self._send(
            session, attachment.attachment_id, text_content(""), {"attachments": [file]}
        )
        return session

    @classmethod
    def attachment_limits(cls, session: VendorSession) -> AttachmentLimits | None:
        """Return the restrictions that the channel named at the start."""
        limits = as_object(session.state.get("files"))
        types = limits.get("mime_types")
        if not limits:
            return None
        return AttachmentLimits(
            max_bytes=as_count(limits.get("max_bytes")) or 0,
            mime_types=tuple(map(str, types)) if isinstance(types, list) else (),
        )

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file."""
        return await self._client.download(url, MAX_FILE_BYTES)

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide the end user's typing."""
        name = "SenderTypingStarted" if is_typing else "SenderTypingEnded"
        async with self._guests.using(session) as socket:
            await socket.request(name, socket.guest.thread)
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Say that the thread was read; the guest protocol has no word for delivered."""
        if kind is ReceiptKind.READ:
            async with self._guests.using(session) as socket:
                await socket.request("MessageSeenByConsumer", socket.guest.thread)
        return session

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask the channel."""
        found = await self._client.availability(self._channel_id(request))
        return Availability(is_available=is_online(found))

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Return the messages that have opened another contact, or gone into it."""
        ended = as_text(session.state.get("ended")) or as_text(session.state.get("contact_id"))
        wanted = frozenset(message.message_id for message in messages)
        async with self._guests.using(session) as socket:
            try:
                history = await socket.history(await socket.recover())
            except RefusedRequestError:
                return frozenset()  # a live chat that is closed takes nothing any more
        return (
            frozenset(
                as_text(one.get("idOnExternalPlatform"))
                for one in history
                if as_text(one.get("contactNumber")) not in ("", ended)
            )
            & wanted
        )

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Close the live chat's contact, or archive the thread of a messaging channel."""
        async with self._guests.using(session) as socket:
            await end_guest(socket, self._timing.ask_again)

    async def close(self) -> None:
        """Close every socket."""
        await self._guests.close()

    # -- What they share ----------------------------------------------------------------------

    async def _send(
        self,
        session: VendorSession,
        message_id: str,
        content: Json,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Send a message, unless the contact is over or the message is in the thread."""
        if session.state.get("ended"):
            raise ConversationGoneError("SendMessage: the contact is over")
        async with self._guests.using(session) as socket:
            await self._see(socket)
            self._need_open(session, socket)
            try:
                await self._say(socket, message_id, content, more=more)
            except CannotConnectError:
                if not socket.is_alive:
                    raise
                await self._see(socket)
                self._need_open(session, socket)
                raise

    async def _see(self, socket: GuestSocket) -> None:
        """Look into the thread, if what we know of it may lack something of ours."""
        if not socket.is_in_doubt:
            return
        try:
            await socket.recover()
        except RefusedRequestError:
            # There is none yet, or a live chat's is closed: sending shows which.
            socket.is_in_doubt = False

    def _need_open(self, session: VendorSession, socket: GuestSocket) -> None:
        over = CLOSED | {RESOLVED} if self._ends_on_resolved else CLOSED
        if socket.status in over:
            raise ConversationGoneError("SendMessage: the contact is over")

    async def _say(
        self,
        socket: GuestSocket,
        message_id: str,
        content: Json,
        *,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Send a message that is not in the thread yet; a refusal leaves open what it means."""
        if message_id in socket.known:
            return
        data = {
            **socket.guest.thread,
            "idOnExternalPlatform": message_id,
            "messageContent": content,
            "attachments": [],
            "browserFingerprint": {"deviceType": "other", "applicationType": "browser"},
            **(more or {}),
        }
        try:
            await socket.request("SendMessage", data)
        except RefusedRequestError as error:
            socket.is_in_doubt = True
            raise CannotConnectError(error.message, vendor_code=error.vendor_code) from error
        except ConnectorError:
            socket.is_in_doubt = True
            raise
        socket.known.put(message_id, True)

    def _session(self, request: HandoffRequest) -> VendorSession:
        prefix = self._credentials.get("customer_id_prefix", "")
        thread_id, customer_id = ids_of(request.handoff_id, prefix)
        identity = identity_of(request)
        state = {
            "channel_id": self._channel_id(request),
            "customer_id": customer_id,
            "first_name": identity.first_name,
            "last_name": identity.last_name,
        }
        return VendorSession(vendor_conversation_id=thread_id, state=state)

    def _channel_id(self, request: HandoffRequest) -> str:
        named = hint_text(request.routing.get("channel_id"))
        return named or self._credentials.get("channel_id", "")

    def _client_of(self, environment: str) -> NiceChatClient:
        hosts = hosts_for(self._credentials, environment)
        return NiceChatClient(self._http, hosts=hosts, brand_id=self._brand_id)


def _first_of_contact(
    contact_fields: list[dict[str, str]], customer_fields: list[dict[str, str]], channel: Channel
) -> dict[str, object]:
    """Return what the first message of a contact has besides its text."""
    parameters = {"parameters": {"isInitialMessage": True}} if channel.is_live_chat else {}
    return {
        "consumer": {"customFields": customer_fields},
        "consumerContact": {"customFields": contact_fields},
        **parameters,
    }
