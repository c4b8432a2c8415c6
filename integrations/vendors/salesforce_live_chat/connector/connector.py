"""Salesforce Live Chat as a connector: client, mapping and polls behind our interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import ClassVar
from weakref import WeakValueDictionary

from integrations.contract.checks import CALL_SECONDS, CheckFailedError, run_checks
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
)
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    MissingPermissionError,
    RejectedError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.pasted import bare_address
from integrations.kit.waiting import ReconnectTiming
from integrations.vendors.salesforce_live_chat.client import ChatSession, LiveChatClient
from integrations.vendors.salesforce_live_chat.connector.memory import (
    INIT_SEQUENCE,
    ChatMemory,
    session_of,
)
from integrations.vendors.salesforce_live_chat.connector.polls import RECONNECT, ChatPolls
from integrations.vendors.salesforce_live_chat.manifest import MANIFEST
from integrations.vendors.salesforce_live_chat.mapping import Chat, init_body

_IDS = ("org_id", "deployment_id", "button_id")


class SalesforceLiveChatConnector(Connector):
    """Plays the visitor of a chat button."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: ReconnectTiming = RECONNECT,
    ) -> None:
        """Keep the credentials; `timing` shortens the waits for tests."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._timing = timing
        self._client = LiveChatClient(
            http,
            # A draft under test may lack any of them: the checks say so, not this line.
            base_url=credentials.get("live_agent_url", ""),
            org_id=credentials.get("org_id", ""),
        )
        self._memory = ChatMemory(tokens)
        # The server drops requests that come at the same moment: one after the other in a chat.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Cut the address behind its host, a button's page to its id, and ids to 15 characters."""
        kept = dict(values)
        notices: list[str] = []
        if url := kept.get("live_agent_url", "").strip():
            kept["live_agent_url"], notices = bare_address(url)
        if "/" in (button := kept.get("button_id", "").strip()):
            kept["button_id"] = button.rstrip("/").rpartition("/")[2]
            notices.append("Of the button's address its last part was kept, which is its ID.")
        for name in _IDS:
            if len(text := kept.get(name, "").strip()) == 18:
                kept[name] = text[:15]
                notices.append(f"{text[:3]}… was cut to its first 15 characters, the API's form.")
        return kept, tuple(notices)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask for the button's availability, which nobody in Salesforce sees."""
        return _Checks(self._client, self._deployment_id, self._button_id).run()

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Say whether a live agent of the button's is online; what is absent means no."""
        rows = await self._client.availability(self._deployment_id, self._button_id)
        return Availability(is_available=any(row.get("isAvailable") is True for row in rows))

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Ask for a chat, under the session of an earlier try if there was one."""
        kept = await self._memory.begun(request.handoff_id)
        try:
            chat = kept or await self._begin(request)
            await self._init(chat, request)
        except ConversationGoneError as error:
            if kept is None:
                raise MissingPermissionError(error.message, status=error.status) from error
            # It was left alone for too long, and is over: nothing is open in it.
            chat = await self._begin(request)
            await self._init(chat, request)
        return session_of(chat, request.handoff_id)

    async def _begin(self, request: HandoffRequest) -> ChatSession:
        chat = await self._client.session_id()
        await self._memory.begin(request.handoff_id, chat)
        return chat

    async def _init(self, chat: ChatSession, request: HandoffRequest) -> None:
        body = init_body(
            request,
            self._credentials,
            org_id=self._client.org_id,
            session_id=chat.session_id,
        )
        try:
            await self._client.chasitor_init(chat, body, sequence=INIT_SEQUENCE)
        except InvalidAuthError as error:
            error.field = "deployment_id"
            raise

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the handoff: its session, if one was begun, is kept with the tokens."""
        return VendorSession(vendor_conversation_id="", state={"handoff_id": request.handoff_id})

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Poll until the chat has ended."""
        polls = ChatPolls(
            client=self._client, memory=self._memory, timing=self._timing, session=session
        )
        async with aclosing(polls.steps()) as steps:
            async for step in steps:
                yield step

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text under a number of its own, which makes a repeat harmless."""
        async with self._lock(session):
            number = await self._memory.number_of(
                session.vendor_conversation_id, message.message_id
            )
            chat = await self._memory.chat(session)
            await self._client.chat_message(chat, message.text, sequence=number)
        return session

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide that the end user is typing."""
        async with self._lock(session):
            await self._client.typing(await self._memory.chat(session), is_typing=is_typing)
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file that the live agent has asked for; any other goes as its address."""
        asked = Chat.of(session)
        if asked.file_url and asked.file_token:
            try:
                await self._client.upload(
                    await self._memory.chat(session),
                    asked.file_url,
                    asked.file_token,
                    file_name=attachment.file_name,
                    content=attachment.content,
                )
            except (RejectedError, ConversationGoneError):
                if not attachment.public_url:
                    raise
            else:
                return session
        return await self.send_message(
            session,
            OutboundMessage(
                message_id=attachment.attachment_id,
                text=f"{attachment.file_name}: {attachment.public_url}",
                sent_at=datetime.now(UTC),
            ),
        )

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """End the chat for whatever reason: Live Agent takes none but the client's."""
        handoff_id = str(session.state.get("handoff_id") or "")
        if session.vendor_conversation_id:
            chat = await self._memory.chat(session)
        else:
            kept = await self._memory.begun(handoff_id)
            if kept is None:
                return
            chat = await self._memory.chat(session_of(kept, handoff_id))
        try:
            await self._client.chat_end(chat)
        except ConversationGoneError:
            pass  # over already
        await self._memory.forget(handoff_id)

    def _lock(self, session: VendorSession) -> asyncio.Lock:
        return self._locks.setdefault(session.vendor_conversation_id, asyncio.Lock())

    @property
    def _deployment_id(self) -> str:
        return self._credentials.get("deployment_id", "")

    @property
    def _button_id(self) -> str:
        return self._credentials.get("button_id", "")


class _Checks:
    """One run of Test connection: each check builds on the one before."""

    def __init__(self, client: LiveChatClient, deployment_id: str, button_id: str) -> None:
        self._client = client
        self._ids = (deployment_id, button_id)
        self._has_answered = False
        self._rows: list[Mapping[str, object]] | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        return run_checks(
            [("reach", self._reach), ("deployment", self._deployment), ("button", self._button)]
        )

    async def _reach(self) -> str:
        await self._client.reach(*self._ids, timeout=CALL_SECONDS)
        self._has_answered = True
        return ""

    async def _deployment(self) -> str:
        if not self._has_answered:
            raise CheckFailedError("skipped")
        try:
            self._rows = list(await self._client.availability(*self._ids, timeout=CALL_SECONDS))
        except RejectedError as error:
            is_absent = error.status == 404
            raise CheckFailedError("invalid_routing" if is_absent else "rejected") from error
        return ""

    async def _button(self) -> str:
        if self._rows is None:
            raise CheckFailedError("skipped")
        button_id = self._ids[1][:15]
        own = [row for row in self._rows if str(row.get("id", ""))[:15] == button_id]
        if not own:
            raise CheckFailedError("invalid_routing", "The answer does not name this button.")
        is_online = own[0].get("isAvailable") is True
        return "" if is_online else "No live agent of this button is online at the moment."
