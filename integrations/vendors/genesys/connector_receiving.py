"""Turns what webhooks brought into events, and confirms to Genesys what arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from integrations.connector import VendorSession
from integrations.errors import ConnectorError, ConversationGoneError, MissingPermissionError
from integrations.events import LiveAgentTyping, VendorEvent
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.client_budget import CallBudget
from integrations.vendors.genesys.connector_memory import Memories, Memory, Typing
from integrations.vendors.genesys.connector_people import People
from integrations.vendors.genesys.connector_sending import person_in
from integrations.vendors.genesys.mapping import (
    OPENING_PREFIX,
    Agent,
    Notice,
    events_of,
    sender_id_of,
    typing_seconds,
)
from integrations.vendors.genesys.mapping_json import Json, as_text
from integrations.vendors.genesys.mapping_presence import agent_of, participants_of
from integrations.vendors.genesys.mapping_start import receipt_body

UNNAMED = Agent(agent_id="genesys")


class Receiving:
    """The connector's ear; shares the listeners' knowledge of who is present."""

    def __init__(
        self, *, client: GenesysClient, people: People, budget: CallBudget, memories: Memories
    ) -> None:
        """Share the connector's parts."""
        self._client = client
        self._people = people
        self._budget = budget
        self._memories = memories
        self._errands: set[asyncio.Task[None]] = set()

    async def events(self, session: VendorSession, body: Json) -> list[VendorEvent]:
        """Return what a body means."""
        memory = self._memories.of(session.vendor_conversation_id)
        notice = Notice(
            conversation_id=session.vendor_conversation_id,
            body=body,
            our_id=_our_id(session, memory, body),
        )
        events = events_of(notice, await self._speaker(notice, memory))
        _note(notice, events, memory)
        if notice.is_spoken and not notice.is_ours:
            self._confirm(session, notice.identifier)
        return events

    async def close(self) -> None:
        """Give up what is on its way."""
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def _speaker(self, notice: Notice, memory: Memory) -> Agent:
        """Say who is meant by a body, which names the integration instead of the live agent."""
        if not notice.is_from_live_agent or not (notice.is_spoken or notice.is_typing):
            return UNNAMED
        if memory.agent is None:
            try:
                conversation = await self._client.conversation(notice.conversation_id)
            except (ConversationGoneError, MissingPermissionError):
                return UNNAMED
            memory.agent = agent_of(await self._people.named(participants_of(conversation)))
        return memory.agent or UNNAMED

    def _confirm(self, session: VendorSession, message_id: str) -> None:
        """Send the receipt without making the message wait for it."""
        errand = asyncio.create_task(self._send_receipt(session, message_id))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _send_receipt(self, session: VendorSession, message_id: str) -> None:
        try:
            await self._budget.room()
            await self._client.inbound_receipt(receipt_body(person_in(session)["id"], message_id))
        except ConnectorError:
            pass  # the live agent's desktop goes on saying "sent"


def _our_id(session: VendorSession, memory: Memory, body: Json) -> str:
    """Find the portal's id of the message of ours that a body is about."""
    vendor_id = as_text(body.get("id"))
    if vendor_id and vendor_id == session.state.get("first_id"):
        return OPENING_PREFIX
    return memory.our_ids.get(vendor_id) or sender_id_of(body)


def _note(notice: Notice, events: Sequence[VendorEvent], memory: Memory) -> None:
    typing = next((event for event in events if isinstance(event, LiveAgentTyping)), None)
    if typing is not None and typing.is_typing:
        until = time.monotonic() + typing_seconds(notice)
        memory.expect_typing_end(
            Typing(event_id=typing.vendor_event_id, agent_id=typing.agent_id, until=until)
        )
    elif typing is not None or notice.is_spoken:
        memory.expect_typing_end(None)
    if notice.is_spoken:
        memory.seen.add(notice.identifier)
