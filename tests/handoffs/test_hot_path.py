"""The statements of every message write what the services write, in one transaction."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from django.db import connection, models
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.models import Conversation, Event
from handoffs.lifecycle.services import session_load
from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.responder import message_accept
from handoffs.sending import hot_path, to_ai_agent
from handoffs.sending.hot_path import UserMessage, mark_sent
from handoffs.sending.outbox import delivery_sent
from handoffs.starting.turns import statements
from tests import factories
from tests.handoffs.passing import (
    active,
    changes,
    columns,
    everything,
    hear,
    line,
    mark_of,
    write,
)

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


async def test_a_message_to_the_vendor_is_written_as_the_services_write_it():
    fast, slow = await active(), await active()
    said = {"text": "Grüße, “Ines” \\u0041 %s", "metadata": {"custom": {"a": "b"}}}
    before = [await run_sync(everything, one) for one in (fast, slow)]

    event = await write(fast, client_event_id="c-1", **said)
    await run_sync(
        message_accept,
        conversation_id=slow.conversation_id,
        client_event_id="c-1",
        **said,
    )

    after = [await run_sync(everything, one) for one in (fast, slow)]
    fast_line, slow_line = (one["lines"][-1] for one in after)
    for name in ("sequence", "type", "metadata", "client_event_id"):
        assert fast_line[name] == slow_line[name]
    for written in (fast_line, slow_line):
        assert written["payload"].pop("message_id") == str(written["id"])
        assert abs(written["created_at"] - timezone.now()) < HOUR
    assert fast_line["payload"] == slow_line["payload"]
    assert {**fast_line, "payload": event.payload} == columns(event)
    own = ("id", "handoff_id", "event_id", "next_attempt_at", "created_at")
    [fast_row], [slow_row] = (one["deliveries"] for one in after)
    assert {k: v for k, v in fast_row.items() if k not in own} == {
        k: v for k, v in slow_row.items() if k not in own
    }
    assert fast_row["event_id"] == fast_line["id"]
    assert fast_row["created_at"] == fast_row["next_attempt_at"] == fast_line["created_at"]
    for name in ("conversation", "handoff"):
        assert changes(before[0], after[0], name) == changes(before[1], after[1], name)


async def test_a_message_from_the_vendor_is_written_as_the_services_write_it():
    fast, slow = await active(), await active()
    event = factories.spoke("Hello “Ines” \\u0041 %s")
    late = timezone.now() + HOUR
    await run_sync(Handoff.objects.update, deadline_at=late)
    before = [await run_sync(everything, one) for one in (fast, slow)]

    assert await hear(fast, event)
    await run_sync(lambda: factories.apply(factories.lease_of(slow), event, cursor="next"))

    after = [await run_sync(everything, one) for one in (fast, slow)]
    fast_line, slow_line = (one["lines"][-1] for one in after)
    for name in ("sequence", "type", "metadata", "client_event_id"):
        assert fast_line[name] == slow_line[name]
    for written in (fast_line, slow_line):
        assert written["payload"].pop("message_id") == str(written["id"])
    assert fast_line["payload"] == slow_line["payload"]
    fast_row, slow_row = (one["inbox"][-1] for one in after)
    for name in ("vendor_event_id", "kind", "occurred_at"):
        assert fast_row[name] == slow_row[name]
    assert fast_row["event_id"] == fast_line["id"]
    fast_changes, slow_changes = (
        changes(before[number], after[number], "handoff") for number in (0, 1)
    )
    assert fast_changes.keys() == slow_changes.keys() == {"deadline_at", "vendor_session"}
    assert fast_changes["vendor_session"] == slow_changes["vendor_session"]
    assert abs(fast_changes["deadline_at"] - slow_changes["deadline_at"]) < timedelta(minutes=1)
    for name in ("conversation",):
        assert changes(before[0], after[0], name) == changes(before[1], after[1], name)


async def test_the_same_event_becomes_a_line_of_the_same_id_on_both_ways():
    handoff, event = await active(), factories.spoke("Hello")

    assert await hear(handoff, event)
    before = await run_sync(everything, handoff)
    await run_sync(lambda: factories.apply(factories.lease_of(handoff), event, cursor="next"))

    after = await run_sync(everything, handoff)
    assert (after["lines"], after["inbox"]) == (before["lines"], before["inbox"])


async def test_a_delivery_is_marked_as_the_services_mark_it():
    fast, slow = await active(), await active()
    rows = []
    for one in (fast, slow):
        await write(one)
        await run_sync(Delivery.objects.update, error_code="cannot_connect", attempts=2)
        rows.append(await run_sync(Delivery.objects.get, handoff=one))
    leases = [await run_sync(factories.lease_of, one) for one in (fast, slow)]

    assert await mark_sent(mark_of(leases[0], rows[0]))
    await run_sync(delivery_sent, leases[1], rows[1].pk)

    own = ("id", "handoff_id", "event_id", "created_at", "next_attempt_at", "sent_at")
    for row in rows:
        await run_sync(row.refresh_from_db)
        assert abs(row.sent_at - timezone.now()) < HOUR
    assert columns(rows[0], *own) == columns(rows[1], *own)
    assert (rows[0].status, rows[0].error_code) == ("sent", "")


async def test_a_deadline_far_enough_away_is_left_alone_but_never_a_short_one(settings):
    handoff = await active()
    deadline = (await run_sync(factories.fresh, handoff)).deadline_at

    await hear(handoff, factories.spoke("Hello"))
    kept = (await run_sync(factories.fresh, handoff)).deadline_at
    settings.HANDOFF_ACTIVE_SILENCE_SECONDS = 30
    soon = timezone.now() + timedelta(seconds=5)
    await run_sync(Handoff.objects.update, deadline_at=soon)
    await hear(handoff, factories.spoke("Are you there?"))
    moved = (await run_sync(factories.fresh, handoff)).deadline_at

    assert kept == deadline
    assert moved > soon + timedelta(seconds=20)


async def test_messages_of_many_conversations_are_one_transaction():
    handoffs = [await active() for _ in range(3)]
    messages = [
        UserMessage(conversation_id=one.conversation_id, line=line(f"From {number}"))
        for number, one in enumerate(handoffs)
    ]

    events = await hot_path.messages_to_vendor(messages)

    def writers():
        tables = ("conversations_event", "handoffs_delivery", "conversations_conversation")
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin::text FROM conversations_event WHERE type = 'USER_MESSAGE'")
            [writer] = {row[0] for row in cursor.fetchall()}
            found = {}
            for table in tables:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE xmin::text = %s", [writer])
                found[table] = cursor.fetchone()[0]
        return found

    assert [event.payload["text"] for event in events] == ["From 0", "From 1", "From 2"]
    assert [event.conversation_id for event in events] == [one.conversation_id for one in handoffs]
    assert set((await run_sync(writers)).values()) == {3}


async def test_what_live_agents_of_many_conversations_say_goes_to_the_right_ones():
    handoffs = [await active() for _ in range(3)]

    spoken = [
        hear(one, factories.spoke(f"To {number}"), cursor=f"at-{number}")
        for number, one in enumerate(handoffs)
    ]

    assert await asyncio.gather(*spoken) == [True, True, True]
    for number, one in enumerate(handoffs):
        now = await run_sync(everything, one)
        assert now["lines"][-1]["payload"]["text"] == f"To {number}"
        assert now["handoff"]["vendor_session"]["cursor"] == f"at-{number}"


# ---- the statements and the models ----


STATEMENTS = (
    hot_path._TO_VENDOR,
    hot_path._FROM_VENDOR,
    to_ai_agent._TO_AI_AGENT,
    statements._WRITE,
)


@pytest.mark.parametrize("model", [Event, Delivery, VendorEvent])
def test_every_column_that_needs_a_value_gets_one(model):
    table = model._meta.db_table
    found = re.findall(rf"INSERT INTO {table}\s*\(([^)]*)\)", "".join(STATEMENTS))
    may_be_left_out = {
        column.column
        for column in model._meta.concrete_fields
        if isinstance(column, models.AutoField)
        or column.has_db_default()
        or (column.null and not column.has_default())
    }
    all_columns = {column.column for column in model._meta.concrete_fields}

    assert found
    for names in found:
        named = {name.strip() for name in names.split(",")}
        assert named <= all_columns
        assert all_columns - named <= may_be_left_out


@pytest.mark.parametrize("model", [Conversation, Handoff])
def test_no_column_changes_by_itself_when_a_row_is_saved(model):
    moved = [column for column in model._meta.concrete_fields if getattr(column, "auto_now", False)]

    assert moved == []


async def test_the_vendor_session_that_was_kept_can_be_read_again():
    handoff = await active()

    await hear(handoff, factories.spoke("Hello"), cursor="after-hello")

    now = await run_sync(lambda: Handoff.objects.get(pk=handoff.pk))
    assert session_load(now) == factories.vendor_session("after-hello")


async def test_a_session_that_is_cancelled_after_the_vendors_answer_still_marks_the_message():
    busy, cancelled = await active(), await active()
    sent = []
    for one in (busy, cancelled):
        await write(one)
        row = await run_sync(one.deliveries.get)
        sent.append(mark_of(await run_sync(factories.lease_of, one), row))
    first = asyncio.create_task(mark_sent(sent[0]))
    second = asyncio.create_task(mark_sent(sent[1]))
    await asyncio.sleep(0)  # the first is under way, the second waits for it

    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

    assert second.cancelled()
    assert set(await run_sync(lambda: set(Delivery.objects.values_list("status", flat=True)))) == {
        "sent"
    }
