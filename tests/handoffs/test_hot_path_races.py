"""Others write at the same moment: a list waits for nobody, and nothing is judged by old rows."""

from __future__ import annotations

import asyncio
import re
import uuid
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.models import Conversation
from handoffs.sending import hot_path
from handoffs.sending.hot_path import UserMessage, send_to_vendor
from tests import factories
from tests.handoffs.passing import (
    RESPONDER,
    active,
    agent_left,
    at_the_ai_agent,
    ended,
    everything,
    hear,
    line,
    mark_of,
    owned_by_nobody,
    sent_before,
    taken_over,
    write,
)
from tests.postgres_sessions import session_open
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def others_lock(*conversation_ids):
    """Hold conversations as another process does that writes to them."""
    with session_open() as other, other.transaction():
        for key in conversation_ids:
            other.execute(
                "SELECT FROM conversations_conversation WHERE id = %s FOR NO KEY UPDATE", [key]
            )
        yield


# ---- one of a list does not trouble the others ----


async def test_a_locked_conversation_is_left_to_the_services_and_stops_nobody_else():
    held, free = await active(), await active()

    with others_lock(held.conversation_id):
        messages = [
            UserMessage(conversation_id=one.conversation_id, line=line()) for one in (held, free)
        ]
        written = await hot_path.messages_to_vendor(messages)
        said = await asyncio.gather(
            hear(held, factories.spoke("Hello")), hear(free, factories.spoke("Hello"))
        )
        waiting = asyncio.create_task(
            RESPONDER.on_message(
                conversation_id=held.conversation_id,
                text="Still there?",
                client_event_id="",
                metadata=None,
            )
        )
        await write(free, "Meanwhile")
    [event] = await asyncio.wait_for(waiting, 10)

    assert [one is None for one in written] == [True, False]
    assert said == [False, True]
    assert event.payload["text"] == "Still there?"
    assert await run_sync(held.deliveries.count) == 1


async def test_a_locked_handoff_is_left_to_the_services_and_stops_nobody_else():
    held, free = await active(), await active()

    with session_open() as other, other.transaction():
        other.execute("SELECT FROM handoffs_handoff WHERE id = %s FOR NO KEY UPDATE", [held.pk])
        said = await asyncio.gather(
            hear(held, factories.spoke("Hello")), hear(free, factories.spoke("Hello"))
        )

    assert said == [False, True]


async def test_a_locked_delivery_is_left_to_the_services_and_stops_nobody_else():
    held, free = await active(), await active()
    sent = []
    for one in (held, free):
        await write(one)
        row = await run_sync(one.deliveries.get)
        sent.append(mark_of(await run_sync(factories.lease_of, one), row))

    with session_open() as other, other.transaction():
        other.execute(
            "SELECT FROM handoffs_delivery WHERE id = %s FOR UPDATE", [sent[0].delivery_id]
        )
        marked = await hot_path.deliveries_sent(sent)

    assert marked == [False, True]


async def test_one_that_no_column_takes_costs_the_others_nothing_but_time():
    bad, good = await active(), await active()
    rows = await run_sync(everything, bad)

    results = await asyncio.gather(
        *(
            RESPONDER.on_message(
                conversation_id=one.conversation_id,
                text=text,
                client_event_id="",
                metadata=None,
            )
            for one, text in ((good, "first"), (bad, "no\x00thing"), (good, "second"))
        ),
        return_exceptions=True,
    )

    assert isinstance(results[1], Exception)
    assert [results[0][0].payload["text"], results[2][0].payload["text"]] == ["first", "second"]
    assert await run_sync(everything, bad) == rows


async def test_the_same_line_written_meanwhile_leaves_the_list_to_the_services():
    twice, other = await active(), await active()
    first = UserMessage(conversation_id=twice.conversation_id, line=line())
    await send_to_vendor(first)
    rows = await run_sync(everything, other)

    written = await hot_path.messages_to_vendor(
        [first, UserMessage(conversation_id=other.conversation_id, line=line())]
    )

    assert written == [None, None]
    assert await run_sync(everything, other) == rows


# ---- what happens between a statement's beginning and its lock ----


@contextmanager
def begun(statement):
    """Yield the statement, made to wait after its beginning, and what to wait for and let go."""
    key = uuid.uuid4().int % 2**31
    # Every read and every lock asks for the ids first.
    gate = rf"(SELECT \1 FROM pg_advisory_xact_lock({key}))::\2[]"
    held, number = re.subn(r"(%\(ids\)s::(\w+)\[\])", gate, statement)
    assert number

    def is_waiting():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
                [key],
            )
            return bool(cursor.rowcount)

    with session_open() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        yield held, is_waiting


async def meanwhile(monkeypatch, name, call, happens):
    """Let something happen after a statement has begun and before it takes its locks."""
    with begun(getattr(hot_path, name)) as (held, is_waiting):
        monkeypatch.setattr(hot_path, name, held)
        task = asyncio.create_task(call)
        await eventually_async(lambda: run_sync(is_waiting))
        await run_sync(happens)
    return await task


async def test_a_line_written_meanwhile_leaves_a_message_to_the_services(monkeypatch):
    handoff = await active()

    def another():
        factories.said(handoff.conversation, "Another", EventType.SYSTEM_MESSAGE)

    assert await meanwhile(monkeypatch, "_TO_VENDOR", write(handoff), another) is None

    assert await run_sync(handoff.deliveries.count) == 0


@pytest.mark.parametrize("happens", [ended, at_the_ai_agent, sent_before])
async def test_no_message_follows_what_ended_its_handoff_meanwhile(monkeypatch, happens):
    handoff = await active(after_agent="return_to_bot")
    call = write(handoff, client_event_id="c-1")
    before = await run_sync(everything, handoff)

    assert await meanwhile(monkeypatch, "_TO_VENDOR", call, lambda: happens(handoff)) is None

    after = await run_sync(everything, handoff)
    texts = [one["payload"].get("text") for one in after["lines"][len(before["lines"]) :]]
    assert "Where is it?" not in texts


async def test_a_socket_seen_meanwhile_changes_nothing_for_a_message(monkeypatch):
    handoff = await active()

    def seen():
        Conversation.objects.update(last_seen_at=timezone.now())

    event = await meanwhile(monkeypatch, "_TO_VENDOR", write(handoff), seen)

    now = await run_sync(everything, handoff)
    assert now["conversation"]["last_sequence"] == event.sequence == len(now["lines"])


async def test_a_live_agents_line_takes_the_number_after_one_written_meanwhile(monkeypatch):
    handoff = await active()

    def another():
        factories.said(handoff.conversation, "Another", EventType.SYSTEM_MESSAGE)

    call = hear(handoff, factories.spoke("Hello"))
    assert await meanwhile(monkeypatch, "_FROM_VENDOR", call, another)

    now = await run_sync(everything, handoff)
    numbers = [one["sequence"] for one in now["lines"]]
    assert numbers == list(range(1, now["conversation"]["last_sequence"] + 1))
    assert [one["payload"]["text"] for one in now["lines"][-2:]] == ["Another", "Hello"]


@pytest.mark.parametrize(
    "happens", [ended, at_the_ai_agent, taken_over, owned_by_nobody, agent_left]
)
async def test_what_a_live_agent_says_is_judged_by_what_happened_meanwhile(monkeypatch, happens):
    handoff = await active()
    lease = await run_sync(factories.lease_of, handoff)
    call = hear(handoff, factories.spoke("Hello"), lease=lease)

    assert not await meanwhile(monkeypatch, "_FROM_VENDOR", call, lambda: happens(handoff))

    now = await run_sync(everything, handoff)
    assert "Hello" not in [one["payload"].get("text") for one in now["lines"]]
    assert now["conversation"]["last_sequence"] == len(now["lines"])


async def test_an_event_applied_meanwhile_is_not_applied_again(monkeypatch):
    handoff, event = await active(), factories.spoke("Hello")

    def the_same():
        factories.apply(factories.lease_of(handoff), event)

    assert not await meanwhile(monkeypatch, "_FROM_VENDOR", hear(handoff, event), the_same)

    now = await run_sync(everything, handoff)
    assert [one["payload"].get("text") for one in now["lines"]].count("Hello") == 1
    assert now["conversation"]["last_sequence"] == len(now["lines"])


async def test_another_live_agent_who_joined_meanwhile_stays(monkeypatch):
    handoff = await active()

    def joins():
        factories.apply(factories.lease_of(handoff), factories.joined("a2", "Ruth Abara"))

    call = hear(handoff, factories.spoke("Hello"))
    assert await meanwhile(monkeypatch, "_FROM_VENDOR", call, joins)

    agents = (await run_sync(factories.fresh, handoff)).live_agents
    assert agents == {"a1": "Noor Halvorsen", "a2": "Ruth Abara"}
