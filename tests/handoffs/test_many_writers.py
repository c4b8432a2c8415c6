"""Everybody writes to the same conversations at once, on the hot path and beside it."""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest
from django.db import transaction

from conversations.errors import ConversationError
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.journal.services import conversation_lock, events_append, system_event
from conversations.models import Conversation, Event
from handoffs.lifecycle.locking import LeaseLostError
from handoffs.models import Delivery, VendorEvent
from handoffs.receiving.events import agent_message_apply, vendor_event_apply
from handoffs.responder import HandoffResponder, message_accept
from handoffs.sending.hot_path import mark_sent
from handoffs.sending.outbox import deliveries_pending, delivery_sent
from handoffs.states import State
from integrations.contract import events as vendor_events
from tests import factories
from tests.handoffs.passing import mark_of

pytestmark = pytest.mark.django_db(transaction=True)
RESPONDER = HandoffResponder()
CONVERSATIONS, ROUNDS, SOCKETS = 20, 6, 2
ENDS = ("nobody", "nobody", "end_user", "live_agent", "stop_word")


class Crowd:
    """Two sockets, a live agent, a relay session and services of one conversation."""

    def __init__(self, number):
        self.end = ENDS[number % len(ENDS)]
        returns = "return_to_bot" if number % 2 else "end"
        behaviour = {"after_agent": returns, "stop_word": "stop"}
        integration = factories.integration(behaviour=behaviour)
        self.handoff = factories.handoff(state=State.ACTIVE, of_integration=integration)
        self.lease = factories.lease_of(self.handoff)
        self.id = self.handoff.conversation_id
        self.accepted, self.said = [], []

    def everybody(self):
        sockets = [self.socket(number) for number in range(SOCKETS)]
        return [*sockets, self.live_agent(), self.relay(), self.services()]

    async def socket(self, number):
        """Write one message after the other; every second one twice, as after a lost answer."""
        for index in range(ROUNDS):
            given = {
                "conversation_id": self.id,
                "text": f"{number}-{index}",
                "client_event_id": str(uuid.uuid4()) if index % 2 else "",
                "metadata": None,
            }
            calls = [RESPONDER.on_message(**given) for _ in range(1 + index % 2)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            unexpected = [
                one
                for one in results
                if isinstance(one, Exception) and not isinstance(one, ConversationError)
            ]
            assert unexpected == []
            taken = {one[0].pk for one in results if not isinstance(one, Exception)}
            assert len(taken) <= 1
            self.accepted += taken

    async def live_agent(self):
        for index in range(ROUNDS):
            event = factories.spoke(f"agent-{index}")
            session = factories.vendor_session(str(index))
            try:
                for _ in range(1 + index % 2):
                    if not await agent_message_apply(self.lease, session, event):
                        await run_sync(vendor_event_apply, self.lease, session, event)
            except LeaseLostError:
                return
            self.said.append(event.vendor_event_id)

    async def relay(self):
        for _ in range(ROUNDS):
            for one in await run_sync(deliveries_pending, self.handoff.pk):
                if not await mark_sent(mark_of(self.lease, one)):
                    await run_sync(delivery_sent, self.lease, one.id)
                await run_sync(self.receipt, one.message_id)

    def receipt(self, message_id):
        kind = random.choice([vendor_events.MessageRead, vendor_events.MessageDelivered])
        event = factories.vendor_event(kind, vendor_message_id=message_id)
        factories.apply(self.lease, event)

    async def services(self):
        for index in range(ROUNDS):
            await run_sync(self.notice)
            if index == ROUNDS // 2:
                await run_sync(self.finish)

    @transaction.atomic
    def notice(self):
        conversation = conversation_lock(self.id)
        if conversation.state != Conversation.State.ENDED:
            events_append(conversation, [system_event("Notice", code="notice")])

    def finish(self):
        given = {"conversation_id": self.id, "metadata": None}
        if self.end == "end_user":
            RESPONDER.on_leave(**given)
        elif self.end == "stop_word":
            message_accept(text="STOP", client_event_id="", **given)
        elif self.end == "live_agent":
            factories.apply(self.lease, factories.vendor_event(vendor_events.ConversationEnded))


def checked(crowd):
    """Return the lines of one conversation, after judging what must hold for each."""
    lines = list(Event.objects.filter(conversation_id=crowd.id).order_by("sequence"))
    conversation = Conversation.objects.get(pk=crowd.id)
    assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))
    assert conversation.last_sequence == len(lines)
    kinds = [line.type for line in lines]
    assert kinds.count("SESSION_END") == int(conversation.state == "ended")
    assert "SESSION_END" not in kinds[:-1]
    return lines


def messages_of_the_handoff(lines):
    """Return the messages that a vendor must get, told from the journal alone."""
    found, is_open = [], False
    for line in lines:
        if line.type == EventType.POLY_AGENT_TRIGGERED_HANDOFF:
            is_open = True
        elif line.type in (EventType.POLY_AGENT_JOINED, EventType.LIVE_AGENT_LEFT):
            is_open = False
        elif line.type == EventType.USER_MESSAGE and is_open and line.payload["text"] != "STOP":
            found.append(line.pk)
    return found


def check_outbox(crowd, lines):
    """Every accepted message is a line once, and exactly those of the handoff are queued."""
    written = {line.pk for line in lines if line.type == EventType.USER_MESSAGE}
    stops = {line.pk for line in lines if line.payload.get("text") == "STOP"}
    assert sorted(crowd.accepted) == sorted(written - stops)
    rows = list(Delivery.objects.filter(handoff=crowd.handoff).order_by("pk"))
    assert [row.event_id for row in rows] == messages_of_the_handoff(lines)
    numbers = {line.pk: line.sequence for line in lines}
    assert [row.sequence for row in rows] == [numbers[row.event_id] for row in rows]


def check_inbox(crowd, lines):
    """What the live agent said is in the inbox once, and a line once, in order."""
    texts = [line.payload["text"] for line in lines if line.type == EventType.LIVE_AGENT_MESSAGE]
    inbox = VendorEvent.objects.filter(handoff=crowd.handoff, kind="LiveAgentMessage")
    received = list(inbox.order_by("id"))
    assert [row.vendor_event_id for row in received] == crowd.said
    assert texts == [f"agent-{index}" for index in range(len(texts))]
    assert len([row for row in received if row.event_id]) == len(texts)
    if crowd.end == "nobody":
        assert len(texts) == ROUNDS


async def test_journal_outbox_and_inbox_are_whole_whoever_writes_at_the_same_time():
    crowds = [await run_sync(Crowd, number) for number in range(CONVERSATIONS)]
    everybody = [one for crowd in crowds for one in crowd.everybody()]
    random.shuffle(everybody)

    await asyncio.gather(*everybody)

    for crowd in crowds:
        lines = await run_sync(checked, crowd)
        await run_sync(check_outbox, crowd, lines)
        await run_sync(check_inbox, crowd, lines)
