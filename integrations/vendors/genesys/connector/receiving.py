"""Turns what webhooks brought, or did not bring, into events; confirms to Genesys what arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
)
from integrations.contract.events import LiveAgentTyping, VendorEvent
from integrations.kit.missed_calls import MissedCalls
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.client.budget import CallBudget
from integrations.vendors.genesys.connector.history import History
from integrations.vendors.genesys.connector.memory import Memories, Memory, Typing
from integrations.vendors.genesys.connector.people import People
from integrations.vendors.genesys.connector.sending import person_in
from integrations.vendors.genesys.mapping.events import (
    OPENING_PREFIX,
    Agent,
    Notice,
    events_of,
    sender_id_of,
    typing_seconds,
)
from integrations.vendors.genesys.mapping.json import Json, as_moment, as_text
from integrations.vendors.genesys.mapping.presence import (
    agent_of,
    participants_of,
    said_to_end_user,
)
from integrations.vendors.genesys.mapping.start import receipt_body

UNNAMED = Agent(agent_id="genesys")


class Receiving:
    """The connector's ear; shares the listeners' knowledge of who is present."""

    def __init__(
        self,
        *,
        client: GenesysClient,
        history: History,
        missed: MissedCalls,
        people: People,
        budget: CallBudget,
        memories: Memories,
    ) -> None:
        """Share the connector's parts."""
        self._client = client
        self._history = history
        self._missed = missed
        self._people = people
        self._budget = budget
        self._memories = memories
        self._errands: set[asyncio.Task[None]] = set()

    async def events(self, session: VendorSession, item: WebhookItem) -> list[VendorEvent]:
        """Return what an item means, among what missed calls have said, in Genesys's order."""
        memory = self._memories.of(session.vendor_conversation_id)
        notice = Notice(
            conversation_id=session.vendor_conversation_id,
            body=item.body,
            our_id=_our_id(session, memory, item.body),
        )
        is_said = notice.is_spoken and not notice.is_ours
        missed = await self._said_before(session, item, notice, memory) if is_said else ()
        events = events_of(notice, await self._speaker(notice, memory))
        _note(notice, events, memory)
        if is_said:
            self._confirm(session, notice.identifier)
        return sorted([*missed, *events], key=lambda event: event.occurred_at)

    async def _said_before(
        self, session: VendorSession, item: WebhookItem, notice: Notice, memory: Memory
    ) -> Sequence[VendorEvent]:
        """Read what no call has told, where some may be missing; words alone have an order."""
        found = await self._missed.before(
            notice.conversation_id,
            item,
            opened_at=as_moment(session.state.get("opened_at")),
            read=partial(self._untold, notice, memory),
        )
        return found or ()

    async def _untold(self, notice: Notice, memory: Memory) -> list[VendorEvent]:
        conversation = await self._client.conversation(notice.conversation_id)
        participants = await self._people.named(participants_of(conversation))
        authors = {
            message_id: participant
            for message_id, _, participant in said_to_end_user(participants)
            if message_id != notice.identifier and message_id not in memory.seen
        }
        return await self._history.told_by(notice.conversation_id, authors)

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
