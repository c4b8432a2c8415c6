"""The statements of every message write what the services write, or nothing at all."""

from __future__ import annotations

import asyncio
import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, models, transaction
from django.utils import timezone

from conversations.executor import run_sync
from conversations.frames import EventType
from conversations.models import Conversation, Event
from conversations.services import conversation_lock, message_event
from handoffs import hot_path
from handoffs.hot_path import Sent, UserMessage, mark_sent, send_to_vendor
from handoffs.inbox import agent_message_apply
from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.outbox import delivery_sent
from handoffs.relay.lease import worker_stop
from handoffs.responder import HandoffResponder
from handoffs.services import handoff_end, session_load
from handoffs.states import EndReason, State
from integrations import events as vendor_events
from integrations.models import Integration
from tests import factories
from tests.handoffs.receiving import behaving
from tests.postgres_sessions import session_open
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
RESPONDER = HandoffResponder()
HOUR = timedelta(hours=1)


async def active(**behaviour):
    return await run_sync(behaving, State.ACTIVE, **behaviour)


def line(text="Where is it?", client_event_id="", metadata=None):
    made = message_event(EventType.USER_MESSAGE, text)
    return hot_path.NewEvent(
        type=made.type,
        payload=made.payload,
        id=made.id,
        metadata=metadata,
        client_event_id=client_event_id,
    )


async def write(handoff, *args, **fields):
    """Send a message on the hot path; None if it is left to the services."""
    message = UserMessage(conversation_id=handoff.conversation_id, line=line(*args, **fields))
    return await send_to_vendor(message)


async def hear(handoff, event, cursor="next", lease=None):
    lease = lease or await run_sync(factories.lease_of, handoff)
    return await agent_message_apply(lease, factories.vendor_session(cursor), event)


def columns(row, *but):
    names = [column.attname for column in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in but}


def everything(handoff):
    """Return all that a message may change, as plain values."""
    lines = Event.objects.filter(conversation_id=handoff.conversation_id)
    return {
        "conversation": columns(Conversation.objects.get(pk=handoff.conversation_id)),
        "handoff": columns(Handoff.objects.get(pk=handoff.pk)),
        "lines": [columns(row) for row in lines],
        "deliveries": [columns(row) for row in handoff.deliveries.all()],
        "inbox": [columns(row) for row in handoff.vendor_events.all()],
    }


def changes(before, after, name):
    """Return the columns of a row that a message changed."""
    return {key: value for key, value in after[name].items() if before[name][key] != value}


@contextmanager
def others_lock(*conversation_ids):
    """Hold conversations as another process does that writes to them."""
    with session_open() as other, other.transaction():
        for key in conversation_ids:
            other.execute(
                "SELECT FROM conversations_conversation WHERE id = %s FOR NO KEY UPDATE", [key]
            )
        yield


# ---- the plain case ----


async def test_a_message_to_the_vendor_is_written_as_the_services_write_it():
    fast, slow = await active(), await active()
    said = {"text": "Grüße, “Ines” \\u0041 %s", "metadata": {"custom": {"a": "b"}}}
    before = [await run_sync(everything, one) for one in (fast, slow)]

    event = await write(fast, client_event_id="c-1", **said)
    await run_sync(
        RESPONDER.on_message,
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

    assert await mark_sent(Sent(lease=leases[0], delivery_id=rows[0].pk))
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


# ---- what is not plain ----


def _ended(handoff):
    RESPONDER.on_leave(conversation_id=handoff.conversation_id, metadata=None)


def _at_the_ai_agent(handoff):
    with transaction.atomic():
        now = factories.fresh(handoff)
        now.conversation = conversation_lock(handoff.conversation_id)
        handoff_end(now, EndReason.TICKET_OPENED)


def _nothing(handoff):
    pass


def _sent_before(handoff):
    RESPONDER.on_message(
        conversation_id=handoff.conversation_id,
        text="Hello",
        client_event_id="c-1",
        metadata=None,
    )


def _owned_by_nobody(handoff):
    worker_stop(factories.lease_of(handoff).worker_id)


def _taken_over(handoff):
    _owned_by_nobody(handoff)
    factories.claim(handoff)


def _agent_left(handoff):
    gone = factories.vendor_event(vendor_events.LiveAgentLeft, agent_id="a1")
    factories.apply(factories.lease_of(handoff), gone)


@pytest.mark.parametrize(
    ("before", "stop_word", "text"),
    [
        pytest.param(_ended, "", "Hello", id="ended"),
        pytest.param(_at_the_ai_agent, "", "Hello", id="back at the AI agent"),
        pytest.param(_sent_before, "", "Hello", id="sent before"),
        pytest.param(_nothing, "stop", "stop", id="stop word"),
        pytest.param(_nothing, "STOP", "  sToP\n", id="stop word in other letters"),
        pytest.param(_nothing, "ticket", "T\u0130CKET".replace("\u0130", "I"), id="stop word I"),
        pytest.param(_nothing, "stok", "STO\u212a", id="stop word with a Kelvin sign"),
        pytest.param(_nothing, " stop ", "anything", id="stop word with spaces"),
        pytest.param(_nothing, "stop now", "anything", id="stop word of two words"),
        pytest.param(_nothing, "Schluß", "anything", id="stop word beyond ASCII"),
    ],
)
async def test_what_is_not_plain_to_the_vendor_writes_nothing(before, stop_word, text):
    handoff = await active(stop_word=stop_word, after_agent="return_to_bot")
    await run_sync(before, handoff)
    rows = await run_sync(everything, handoff)

    assert await write(handoff, text, client_event_id="c-1") is None

    assert await run_sync(everything, handoff) == rows


@pytest.mark.parametrize("stop_word", ["", "stop", "STOP!", "a.c", "^$", "[a-z]+", "\\d"])
async def test_another_word_than_the_stop_word_is_plain(stop_word):
    handoff = await active(stop_word=stop_word)

    assert await write(handoff, "abc") is not None


@pytest.mark.parametrize("state", [State.REQUESTED, State.CONNECTING, State.QUEUED])
async def test_messages_go_out_while_the_end_user_waits(state):
    handoff = await run_sync(lambda: factories.handoff(state=state))

    assert (await write(handoff)) is not None
    assert await run_sync(handoff.deliveries.count) == 1


async def test_messages_go_out_though_the_integration_is_gone():
    handoff = await active()
    await run_sync(Integration.objects.all().delete)

    assert (await write(handoff)) is not None


async def test_an_empty_client_event_id_is_no_repeat():
    handoff = await active()

    events = [await write(handoff, "Hello"), await write(handoff, "Hello")]

    assert [event.sequence for event in events] == [
        events[0].sequence,
        events[0].sequence + 1,
    ]


@pytest.mark.parametrize(
    ("before", "agent_id"),
    [
        pytest.param(_ended, "a1", id="ended"),
        pytest.param(_owned_by_nobody, "a1", id="owned by nobody"),
        pytest.param(_taken_over, "a1", id="taken over"),
        pytest.param(_agent_left, "a1", id="live agent has left"),
        pytest.param(_nothing, "a2", id="live agent not seen yet"),
    ],
)
async def test_what_is_not_plain_from_the_vendor_writes_nothing(before, agent_id):
    handoff = await active()
    lease = await run_sync(factories.lease_of, handoff)
    await run_sync(before, handoff)
    rows = await run_sync(everything, handoff)

    assert not await hear(handoff, factories.spoke("Hello", agent_id), lease=lease)

    assert await run_sync(everything, handoff) == rows


async def test_an_event_that_was_received_before_writes_nothing():
    handoff, event = await active(), factories.spoke("Hello")
    await hear(handoff, event)
    rows = await run_sync(everything, handoff)

    assert not await hear(handoff, event, cursor="later")

    assert await run_sync(everything, handoff) == rows


@pytest.mark.parametrize("state", [State.CONNECTING, State.QUEUED])
async def test_a_live_agent_who_speaks_before_the_handoff_is_active_is_the_services(state):
    handoff = await run_sync(lambda: factories.handoff(state=state))

    assert not await hear(handoff, factories.spoke("Hello"))


@pytest.mark.parametrize("before", [_owned_by_nobody, _taken_over])
async def test_a_fenced_session_marks_nothing(before):
    handoff = await active()
    await write(handoff)
    lease = await run_sync(factories.lease_of, handoff)
    await run_sync(before, handoff)
    row = await run_sync(Delivery.objects.get)

    assert not await mark_sent(Sent(lease=lease, delivery_id=row.pk))

    assert (await run_sync(Delivery.objects.get)).status == "pending"


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed"])
async def test_what_is_not_pending_is_not_marked(status):
    handoff = await active()
    await write(handoff)
    await run_sync(Delivery.objects.update, status=status)
    row = await run_sync(Delivery.objects.get)
    lease = await run_sync(factories.lease_of, handoff)

    assert not await mark_sent(Sent(lease=lease, delivery_id=row.pk))

    assert columns(await run_sync(Delivery.objects.get)) == columns(row)


async def test_a_session_marks_nothing_of_another_handoff():
    mine, others = await active(), await active()
    await write(others)
    lease = await run_sync(factories.lease_of, mine)
    row = await run_sync(Delivery.objects.get)

    assert not await mark_sent(Sent(lease=lease, delivery_id=row.pk))


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
            RESPONDER.take_message(
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
        sent.append(Sent(lease=await run_sync(factories.lease_of, one), delivery_id=row.pk))

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
            RESPONDER.take_message(
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
    gate = f"(SELECT %(input)s::jsonb FROM pg_advisory_xact_lock({key}))"
    held = statement.replace("%(input)s::jsonb", gate)
    assert held != statement

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


@pytest.mark.parametrize("happens", [_ended, _at_the_ai_agent, _sent_before])
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
    "happens", [_ended, _at_the_ai_agent, _taken_over, _owned_by_nobody, _agent_left]
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


# ---- the statements and the models ----


@pytest.mark.parametrize("model", [Event, Delivery, VendorEvent])
def test_every_column_that_needs_a_value_gets_one(model):
    table = model._meta.db_table
    found = re.findall(
        rf"INSERT INTO {table}\s*\(([^)]*)\)", hot_path._TO_VENDOR + hot_path._FROM_VENDOR
    )
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
        sent.append(Sent(lease=await run_sync(factories.lease_of, one), delivery_id=row.pk))
    first = asyncio.create_task(mark_sent(sent[0]))
    second = asyncio.create_task(mark_sent(sent[1]))
    await asyncio.sleep(0)  # the first is under way, the second waits for it

    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

    assert second.cancelled()
    assert set(await run_sync(lambda: set(Delivery.objects.values_list("status", flat=True)))) == {
        "sent"
    }
