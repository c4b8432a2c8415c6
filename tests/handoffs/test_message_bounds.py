"""Who writes more than is taken is told so; what was refused is not in the journal."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.errors import RateLimitedError
from conversations.event_loop.executor import run_sync
from conversations.models import Conversation
from conversations.socket import refusals
from handoffs.models import Delivery
from handoffs.responder import message_accept
from handoffs.sending.hot_path import UserMessage, messages_to_vendor
from handoffs.sending.outbox import delivery_sent
from handoffs.starting.turns.answers import answer_all
from handoffs.states import State
from tests import factories
from tests.conversations.widget import widget_of
from tests.handoffs.passing import RESPONDER, active, line
from tests.handoffs.passing import write as write_to_vendor
from tests.postgres_sessions import session_open

pytestmark = pytest.mark.django_db(transaction=True)


def write(conversation: Conversation, text: str = "Hello?", client_event_id: str = "") -> Any:
    return message_accept(
        conversation_id=conversation.pk,
        text=text,
        client_event_id=client_event_id,
        metadata=None,
    )[0]


# ---- to the AI agent ----


def test_messages_that_wait_for_the_ai_agent_are_bounded_and_answering_makes_room(settings):
    settings.AI_AGENT_MESSAGES_WAITING = 3
    conversation = factories.conversation()
    for _ in range(3):
        write(conversation)
    journal = factories.journal(conversation)

    with pytest.raises(RateLimitedError, match="3 messages wait for the AI agent"):
        write(conversation)
    assert factories.journal(conversation) == journal

    answer_all(conversation.pk)
    write(conversation)


def test_a_minute_holds_so_many_turns_and_then_one_after_the_other(settings):
    settings.AI_AGENT_TURNS_PER_MINUTE = 7
    conversation = factories.conversation()
    for _ in range(7):
        write(conversation)
        answer_all(conversation.pk)

    with pytest.raises(RateLimitedError, match="7 messages a minute"):
        write(conversation)

    conversation.refresh_from_db()
    earlier = conversation.turns_booked_until - timedelta(seconds=60 / 7)
    Conversation.objects.update(turns_booked_until=earlier)
    write(conversation)
    with pytest.raises(RateLimitedError):
        write(conversation)
    Conversation.objects.update(turns_booked_until=timezone.now() - timedelta(hours=1))
    for _ in range(7):
        write(conversation)


def test_sixty_messages_a_minute_are_allowed_by_default(settings):
    settings.AI_AGENT_MESSAGES_WAITING = 100
    conversation = factories.conversation()

    for _ in range(60):
        write(conversation)

    assert factories.journal(conversation).count("USER_MESSAGE") == 60


def test_a_resend_is_answered_whatever_waits(settings):
    settings.AI_AGENT_MESSAGES_WAITING = 1
    conversation = factories.conversation()
    first = write(conversation, client_event_id="c-1")

    assert write(conversation, client_event_id="c-1") == first


async def test_the_socket_says_which_message_was_refused_and_stays_open(settings):
    settings.AI_AGENT_MESSAGES_WAITING = 1
    async with widget_of(factories.conversation) as widget:
        client = await widget.open()
        await client.send("USER_MESSAGE", {"text": "taken"}, client_event_id="c-1")
        await client.send("USER_MESSAGE", {"text": "refused"}, client_event_id="c-2")

        refused = await client.until("SYSTEM_MESSAGE")

        assert (refused["payload"]["level"], refused["payload"]["code"]) == (
            "SYSTEM_MESSAGE_LEVEL_ERROR",
            "rate_limited",
        )
        assert refused["metadata"] == {"custom": {"client_event_id": "c-2"}}
        assert refused["sequence"] is None
        assert await client.is_alive()


async def test_more_of_what_was_just_refused_is_refused_without_the_database(settings, monkeypatch):
    monkeypatch.setattr(refusals, "REFUSED_SECONDS", 60.0)
    settings.AI_AGENT_MESSAGES_WAITING = 1
    async with widget_of(factories.conversation) as widget:
        client = await widget.open()
        for number in range(2):
            await client.send("USER_MESSAGE", {"text": "x"}, client_event_id=str(number))
        await client.until("SYSTEM_MESSAGE")
        with session_open() as session:
            # Whoever asked the database about this conversation would wait for its lock.
            session.execute("BEGIN")
            lock = "SELECT FROM conversations_conversation WHERE id = %s FOR UPDATE"
            session.execute(lock, [widget.conversation.pk])
            told = []
            for number in range(2, 150):
                await client.send("USER_MESSAGE", {"text": "x"}, client_event_id=str(number))
                refused = await client.until("SYSTEM_MESSAGE")
                told.append(int(refused["metadata"]["custom"]["client_event_id"]))
            session.execute("ROLLBACK")

        assert told == list(range(2, 150))
        await client.send("USER_END_SESSION", {})
        await client.until("SESSION_END")


async def test_a_moment_after_a_refusal_there_may_be_room_again(settings):
    settings.AI_AGENT_MESSAGES_WAITING = 1
    async with widget_of(factories.conversation) as widget:
        client = await widget.open()
        for number in range(2):
            await client.send("USER_MESSAGE", {"text": "x"}, client_event_id=str(number))
        await client.until("SYSTEM_MESSAGE")
        await run_sync(answer_all, widget.conversation.pk)
        await client.until("POLY_AGENT_MESSAGE")
        await asyncio.sleep(refusals.REFUSED_SECONDS)

        await client.send("USER_MESSAGE", {"text": "taken"}, client_event_id="1")

        assert (await client.until("USER_MESSAGE"))["payload"]["text"] == "taken"


# ---- to the live agent ----


async def test_messages_that_wait_for_the_live_agent_are_bounded_and_delivery_makes_room(settings):
    settings.LIVE_AGENT_MESSAGES_WAITING = 3
    handoff = await active()
    for _ in range(3):
        await write_to_vendor(handoff)
    journal = await run_sync(factories.journal, handoff)

    with pytest.raises(RateLimitedError, match="3 messages wait for the live agent"):
        await RESPONDER.on_message(
            conversation_id=handoff.conversation_id, text="x", client_event_id="", metadata=None
        )
    assert await run_sync(factories.journal, handoff) == journal

    oldest = await run_sync(Delivery.objects.order_by("sequence").first)
    lease = await run_sync(factories.lease_of, handoff)
    await run_sync(delivery_sent, lease, oldest.pk)
    assert await write_to_vendor(handoff)


async def test_of_six_hundred_messages_in_a_burst_each_is_taken_or_told_and_none_taken_is_lost(
    settings,
):
    settings.LIVE_AGENT_MESSAGES_WAITING = 100
    settings.SOCKET_FRAMES_PER_SECOND = 0
    handoff = await active()
    async with widget_of(lambda: handoff.conversation) as widget:
        client = await widget.open()
        for number in range(600):
            await client.send("USER_MESSAGE", {"text": "x"}, client_event_id=str(number))
        taken, told = [], []
        while len(taken) + len(told) < 600:
            frame = await client.next()
            if frame["type"] in ("EVENT_TYPE_USER_MESSAGE", "EVENT_TYPE_SYSTEM_MESSAGE"):
                is_taken = frame["type"] == "EVENT_TYPE_USER_MESSAGE"
                (taken if is_taken else told).append(frame["metadata"]["custom"])

    ids = [int(one["client_event_id"]) for one in taken + told]
    waiting = Delivery.objects.filter(handoff=handoff, status=Delivery.Status.PENDING)
    rows = waiting.order_by("sequence").values_list("event__client_event_id", flat=True)
    assert ids == list(range(600)), "the first hundred are taken, the others told, in order"
    assert await run_sync(lambda: list(rows)) == [str(number) for number in range(100)]


async def test_the_statement_of_every_message_leaves_what_is_too_much_to_the_services(settings):
    settings.LIVE_AGENT_MESSAGES_WAITING = 2
    handoff = await active()
    message = UserMessage(conversation_id=handoff.conversation_id, line=line("Hello"))
    for _ in range(2):
        again = UserMessage(conversation_id=handoff.conversation_id, line=line("Hello"))
        assert (await messages_to_vendor([again]))[0] is not None

    assert await messages_to_vendor([message]) == [None]


def test_the_stop_word_is_taken_although_too_much_waits(settings):
    settings.LIVE_AGENT_MESSAGES_WAITING = 1
    of = factories.integration(behaviour={"stop_word": "stop"})
    conversation = factories.conversation(factories.channel(of.project))
    handoff = factories.handoff(conversation, state=State.ACTIVE)
    write(conversation)
    with pytest.raises(RateLimitedError):
        write(conversation)

    write(conversation, "Stop")

    assert factories.fresh(handoff).end_reason == "stop_word"
