"""Follows one chat by long polls: counts them, moves with the server, fills in what was missed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
)
from integrations.contract.events import VendorEvent
from integrations.kit.json_values import Json, as_object, as_text
from integrations.kit.pasted import bare_address, split_address
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.salesforce_live_chat.client import LiveChatClient, Poll
from integrations.vendors.salesforce_live_chat.connector.memory import ChatMemory
from integrations.vendors.salesforce_live_chat.mapping import (
    Chat,
    Message,
    outcome_of,
    released,
)

Step = tuple[VendorSession, VendorEvent]
RECONNECT = ReconnectTiming(first=1.0, factor=1.5, longest=30.0, give_up=240.0)
# Another server has the chat now.
_MOVED = 503
_SALESFORCE_HOST = ".salesforceliveagent.com"
_NOTHING_YET = -1


class ChatPolls:
    """One listener: from a stored session to the end of the chat.

    The server sends again what was not acknowledged, and a poll acknowledges what came before it:
    so nothing is asked for before the session behind it has been stored.
    """

    def __init__(
        self,
        *,
        client: LiveChatClient,
        memory: ChatMemory,
        timing: ReconnectTiming,
        session: VendorSession,
    ) -> None:
        """Take up where `session` was stored."""
        self._client = client
        self._memory = memory
        self._session = session
        self._reconnecting = Reconnecting(timing)
        self._has_asked = False
        self._round, self._ack, self._offset = _read_cursor(session.cursor)

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield events until the chat has ended; raises when it cannot go on."""
        while not Chat.of(self._session).has_ended:
            try:
                steps = await self._taken(await self._poll())
            except ConversationGoneError as error:
                await self._after_refusal(error)
                continue
            except ConnectorError as error:
                await self._after_trouble(error)
                continue
            self._reconnecting.connected()
            self._reconnecting.alive()
            for step in steps:
                yield step

    async def _poll(self) -> Poll:
        if Chat.of(self._session).is_catching_up and not self._has_asked:
            await self._ask_for_history()
        chat = await self._memory.chat(self._session)
        poll = await self._client.messages(chat, self._ack)
        if poll.is_refused and poll.expected_ack is None:
            # Another worker's poll is still open there; it is about to notice that it is alone.
            raise CannotConnectError("messages: another poll is open", status=409)
        return poll

    async def _taken(self, poll: Poll) -> list[Step]:
        if poll.expected_ack is not None:
            # What was acknowledged for us and never stored is in the history alone.
            self._ack = poll.expected_ack
            chat = replace(Chat.of(self._session), is_catching_up=True)
            self._session = replace(chat.stored_in(self._session), cursor=self._cursor())
            return []
        if poll.sequence is None:
            return self._after_silence()
        if poll.sequence <= self._ack:
            return []  # what we have had
        steps = self._apply(poll)
        await self._follow(poll)
        return steps

    def _apply(self, poll: Poll) -> list[Step]:
        chat, events = Chat.of(self._session), []
        for index, raw in enumerate(poll.messages):
            message = self._message(f"poll:{self._round}:{poll.sequence}:{index}", raw, index)
            chat, told = outcome_of(message, chat)
            events += told
        self._ack = poll.sequence or self._ack
        self._offset = poll.offset or self._offset
        return self._advance(chat, events)

    def _after_silence(self) -> list[Step]:
        chat = Chat.of(self._session)
        if not (chat.is_catching_up and self._has_asked):
            return []
        name = f"silence:{self._round}:{self._ack}"
        return self._advance(*released(self._message(name, {}, 0), chat))

    def _message(self, name: str, raw: Json, index: int) -> Message:
        return Message(
            name=name,
            kind=as_text(raw.get("type")),
            body=as_object(raw.get("message")),
            conversation_id=self._session.vendor_conversation_id,
            at=datetime.now(UTC) + timedelta(microseconds=index),
        )

    def _advance(self, chat: Chat, events: Sequence[VendorEvent]) -> list[Step]:
        """Move the session on with the last event alone: a crash repeats the whole poll."""
        before = self._session
        self._session = replace(chat.stored_in(before), cursor=self._cursor())
        return [(before, event) for event in events[:-1]] + [
            (self._session, event) for event in events[-1:]
        ]

    async def _follow(self, poll: Poll) -> None:
        """Go where the server sends us, if it is one of Salesforce's or the one we know."""
        for raw in poll.messages:
            if raw.get("type") != "SwitchServer":
                continue
            server, _ = bare_address(as_text(as_object(raw.get("message")).get("newUrl")))
            host = split_address(server).hostname or ""
            if self._client.is_own(server) or host.endswith(_SALESFORCE_HOST):
                chat = await self._memory.chat(self._session)
                await self._memory.moved(replace(chat, server=server))

    async def _after_refusal(self, error: ConversationGoneError) -> None:
        """Ask again in another way: one refusal alone is no end, two are."""
        try:
            await self._reconnect()
        except ConversationGoneError:
            raise
        except ConnectorError as trouble:
            await self._reconnecting.pause(trouble)
        else:
            await self._reconnecting.pause(CannotConnectError(error.message, status=error.status))

    async def _after_trouble(self, error: ConnectorError) -> None:
        if error.status == _MOVED:
            try:
                await self._reconnect()
            except ConversationGoneError:
                raise
            except ConnectorError as trouble:
                error = trouble
        await self._reconnecting.pause(error)

    async def _reconnect(self) -> None:
        """Take the chat up at the server that has it now, and ask what we missed."""
        chat = await self._memory.chat(self._session)
        affinity, counts_anew = await self._client.reconnect_session(chat, self._offset)
        await self._memory.moved(replace(chat, affinity=affinity))
        if counts_anew:
            self._round, self._ack = self._round + 1, _NOTHING_YET
            self._session = replace(self._session, cursor=self._cursor())
        await self._ask_for_history()

    async def _ask_for_history(self) -> None:
        await self._client.resync_state(await self._memory.chat(self._session))
        self._has_asked = True

    def _cursor(self) -> str:
        return f"{self._round}:{self._ack}:{self._offset}"


def _read_cursor(cursor: str) -> tuple[int, int, int]:
    """Return round, ack and offset."""
    if not cursor:
        return 0, _NOTHING_YET, 0
    numbers = [int(part) for part in cursor.split(":")]
    return numbers[0], numbers[1], numbers[2]
