"""The widget's socket: what it sends on connect, how it answers, and how it loses nothing."""

from __future__ import annotations

import pytest

from conversations.event_loop.executor import run_sync
from conversations.journal.services import agent_join
from conversations.models import Conversation, Event
from handoffs.models import Delivery
from handoffs.states import State
from tests import factories
from tests.conversations.widget import widget_of, write_elsewhere
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


# ---- on connect ----


async def test_the_first_frame_holds_the_journal_so_far(widget):
    client = await widget.connect()

    batch = await client.next()

    events = batch["payload"]["events"]
    assert (batch["type"], batch["sequence"]) == ("EVENT_TYPE_EVENT_BATCH", None)
    assert [event["type"] for event in events] == [
        "EVENT_TYPE_SESSION_START",
        "EVENT_TYPE_POLY_AGENT_JOINED",
        "EVENT_TYPE_POLY_AGENT_MESSAGE",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert set(events[0]) == {"id", "sequence", "timestamp", "type", "payload"}


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [("0", [1, 2, 3]), ("2", [3]), ("seq:2", [3]), ("3", []), ("", [1, 2, 3])],
)
async def test_a_cursor_skips_what_the_client_has(widget, cursor, expected):
    client = await widget.connect(cursor=cursor)

    batch = await client.next()

    assert [event["sequence"] for event in batch["payload"]["events"]] == expected
    assert await client.is_alive()


@pytest.mark.parametrize(
    "cursor", ["garbage", "-1", "1.5", "seq:", "9" * 30, "4", "999999", "\x00"]
)
async def test_a_cursor_that_is_none_of_this_session_is_zero_with_a_warning(widget, cursor):
    client = await widget.connect(cursor=cursor)

    batch, warning = await client.next(), await client.next()
    line = await write_elsewhere(widget.conversation, "Still heard")

    assert [event["sequence"] for event in batch["payload"]["events"]] == [1, 2, 3]
    assert (warning["type"], warning["payload"]["code"]) == (
        "EVENT_TYPE_SYSTEM_MESSAGE",
        "bad_json",
    )
    assert (await client.next())["sequence"] == line.sequence


async def test_a_long_journal_comes_in_several_batches_without_gap_or_repeat(widget):
    def write_many() -> None:
        for number in range(230):
            factories.said(widget.conversation, str(number))

    await run_sync(write_many)
    client = await widget.connect()

    batches = [await client.next() for _ in range(3)]

    sequences = [event["sequence"] for batch in batches for event in batch["payload"]["events"]]
    assert sequences == list(range(1, 234))


async def test_the_place_in_the_queue_is_replayed_on_connect():
    def queued() -> Conversation:
        handoff = factories.handoff(state=State.QUEUED)
        position = factories.vendor_events.QueuePositionChanged
        factories.apply(factories.lease_of(handoff), factories.vendor_event(position, position=2))
        return handoff.conversation

    async with widget_of(queued) as widget:
        client = await widget.connect()

        status = await client.until("HANDOFF_QUEUE_STATUS")

    assert (status["sequence"], status["payload"]) == (None, {"position_in_queue": 2})


# ---- frames ----


async def test_joining_is_answered_in_the_documented_order():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()

        await client.send("REQUEST_POLY_AGENT_JOIN", tag="j")
        frames = [await client.next() for _ in range(4)]

    assert [frame["type"].removeprefix("EVENT_TYPE_") for frame in frames] == [
        "REQUEST_POLY_AGENT_JOIN",
        "POLY_AGENT_JOINED",
        "POLY_AGENT_THINKING",
        "POLY_AGENT_MESSAGE",
    ]
    assert frames[0]["metadata"] == {"custom": {"tag": "j"}}
    assert frames[1]["payload"] == {"agent_name": "Birch", "agent_avatar_url": ""}
    assert frames[3]["payload"]["text"] == "Hello from Birch."
    assert [frame["sequence"] for frame in frames] == [None, 2, None, 3]


async def test_a_message_is_echoed_with_its_metadata_and_an_id(widget):
    client = await widget.open()

    await client.send("USER_MESSAGE", {"text": "Hi"}, client_event_id="c-1", colour="green")
    echo = await client.next()

    assert (echo["type"], echo["sequence"]) == ("EVENT_TYPE_USER_MESSAGE", 4)
    assert echo["metadata"] == {"custom": {"client_event_id": "c-1", "colour": "green"}}
    assert echo["payload"] == {"message_id": echo["id"], "text": "Hi", "attachments": []}


@pytest.mark.parametrize(
    "key",
    [
        {"client_event_id": "c-1"},
        {"local_id": "l-1"},
        {"client_event_id": "", "local_id": "l-1"},
        {"client_event_id": "c-1", "local_id": ""},
    ],
)
async def test_a_resend_is_answered_with_the_first_echo_and_stored_once(widget, key):
    client = await widget.open()
    for _ in range(3):
        await client.send("USER_MESSAGE", {"text": "Hi"}, **key)

    first, *others = [await client.next() for _ in range(3)]

    assert others == [first, first]
    assert first["metadata"] == {"custom": key}
    assert await run_sync(Event.objects.filter(type="USER_MESSAGE").count) == 1


async def test_what_a_mobile_sdk_repeats_reaches_the_live_agent_once():
    def with_live_agent() -> Conversation:
        return factories.handoff(state=State.ACTIVE).conversation

    async with widget_of(with_live_agent) as widget:
        client = await widget.open()
        for _ in range(3):
            await client.send("USER_MESSAGE", {"text": "Hi"}, local_id="l-1")
        echoes = [await client.until("USER_MESSAGE") for _ in range(3)]

        assert [echo["id"] for echo in echoes] == [echoes[0]["id"]] * 3
        assert await run_sync(Delivery.objects.count) == 1


async def test_of_two_keys_of_a_resend_ours_counts_and_both_come_back(widget):
    client = await widget.open()
    keys = [("c-1", "l-1"), ("c-1", "l-2"), ("c-2", "l-1"), ("c-3", "l" * 65)]
    for ours, theirs in keys:
        await client.send("USER_MESSAGE", {"text": "Hi"}, client_event_id=ours, local_id=theirs)

    echoes = [(await client.next())["metadata"]["custom"] for _ in keys]

    given = [{"client_event_id": ours, "local_id": theirs} for ours, theirs in keys]
    assert echoes == [given[0], given[0], given[2], given[3]]


async def test_messages_whose_keys_are_empty_are_no_resends(widget):
    client = await widget.open()
    for _ in range(2):
        await client.send("USER_MESSAGE", {"text": "Hi"}, client_event_id="", local_id="")

    first, second = await client.next(), await client.next()

    assert second["sequence"] == first["sequence"] + 1


async def test_a_heartbeat_is_echoed_and_keeps_the_conversation_alive(widget):
    client = await widget.open()

    await client.send("HEARTBEAT", beat="7")
    echo = await client.next()

    assert (echo["type"], echo["sequence"]) == ("EVENT_TYPE_HEARTBEAT", None)
    assert echo["metadata"] == {"custom": {"beat": "7"}}


@pytest.mark.parametrize("kind", ["USER_MESSAGE", "USER_TYPING", "HEARTBEAT", "NONSENSE"])
async def test_any_frame_keeps_the_conversation_from_being_abandoned(widget, kind, settings):
    settings.SOCKET_HEARTBEAT_SECONDS = 0
    client = await widget.open()
    await run_sync(Conversation.objects.update, last_seen_at=widget.conversation.started_at)

    await client.send(kind, {"text": "Hi", "state": "TYPING_STATE_STARTED"})
    assert await client.is_alive()

    async def is_noted() -> bool:
        row = await run_sync(Conversation.objects.get)
        return row.last_seen_at > widget.conversation.started_at

    await eventually_async(is_noted)


async def test_ending_is_echoed_and_closes_the_journal(widget):
    client = await widget.open()

    await client.send("USER_END_SESSION", tag="e")
    echo, end = await client.next(), await client.next()

    assert (echo["type"], echo["metadata"]) == (
        "EVENT_TYPE_USER_END_SESSION",
        {"custom": {"tag": "e"}},
    )
    assert (end["type"], end["payload"]) == (
        "EVENT_TYPE_SESSION_END",
        {"reason": "REASON_USER_END"},
    )


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("USER_MESSAGE", {"text": "Hi"}),
        ("REQUEST_POLY_AGENT_JOIN", {}),
        ("USER_CANCEL_HANDOFF", {}),
    ],
)
async def test_nothing_is_written_after_the_end_and_the_client_is_told(kind, payload):
    async with widget_of(lambda: factories.conversation(state="ended")) as widget:
        client = await widget.open()

        await client.send(kind, payload, tag="late")
        refusal = await client.until("SYSTEM_MESSAGE")

        assert refusal["payload"]["code"] == "event_not_allowed"
        assert refusal["metadata"] == {"custom": {"tag": "late"}}
        assert (await run_sync(factories.journal, widget.conversation))[-1] == "SESSION_END"


async def test_a_message_before_the_ai_agent_joined_is_refused_and_works_afterwards():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()
        await client.send("USER_MESSAGE", {"text": "Hi"})
        assert (await client.next())["payload"]["code"] == "event_not_allowed"

        await client.send("REQUEST_POLY_AGENT_JOIN")
        await client.until("POLY_AGENT_MESSAGE")
        await client.send("USER_MESSAGE", {"text": "Hi"})

        assert (await client.next())["type"] == "EVENT_TYPE_USER_MESSAGE"


async def test_every_allowed_frame_fits_the_announced_size(widget):
    client = await widget.open()
    text = "€" * 20_000

    await client.send("USER_MESSAGE", {"text": text})

    assert (await client.next())["payload"]["text"] == text


# ---- several sockets, and what gets lost between processes ----


async def test_two_sockets_see_the_same(widget):
    clients = [await widget.open(), await widget.open()]

    await clients[0].send("USER_MESSAGE", {"text": "From one"})
    await clients[1].send("USER_MESSAGE", {"text": "From the other"})
    seen = [await client.events(5) for client in clients]

    assert seen[0] == seen[1]
    assert [frame["sequence"] for frame in seen[0]] == [4, 5]


async def test_a_line_written_elsewhere_arrives_at_once(widget, settings):
    settings.JOURNAL_RECHECK_SECONDS = 60
    client = await widget.open()

    line = await write_elsewhere(widget.conversation, "From a worker")

    assert (await client.next(1.0))["id"] == str(line.pk)


async def test_a_wake_up_that_skips_lines_lets_the_gap_be_read(widget, redis_server, settings):
    settings.JOURNAL_RECHECK_SECONDS = 60
    client = await widget.open()
    redis_server.stop()  # the wake-ups of these are lost
    await write_elsewhere(widget.conversation, "one")
    await write_elsewhere(widget.conversation, "two")
    redis_server.start()

    async def is_woken() -> bool:
        """Until the layer has subscribed again, these wake-ups are lost as well."""
        await write_elsewhere(widget.conversation, "three")
        return client.has_frame()

    await eventually_async(is_woken, seconds=20)
    last = (await run_sync(Conversation.objects.get)).last_sequence

    assert [frame["sequence"] for frame in await client.events(last)] == list(range(4, last + 1))


async def test_a_lost_wake_up_costs_moments_and_no_line(widget, redis_server, quick):
    client = await widget.open()

    redis_server.stop()
    try:
        line = await write_elsewhere(widget.conversation, "Nobody was woken")
        frame = await client.next()
    finally:
        redis_server.start()

    assert frame["id"] == str(line.pk)


async def test_chatting_goes_on_while_redis_is_away_and_recovers(widget, redis_server, quick):
    client = await widget.open()
    redis_server.stop()
    try:
        late = await widget.open()
        await client.send("USER_MESSAGE", {"text": "Are you there?"})
        echo = await client.next(8.0)
        polled = await late.next(8.0)
    finally:
        redis_server.start()

    assert echo["payload"]["text"] == "Are you there?"
    assert polled == echo
    for reader in (client, late):
        assert await reader.is_alive()
    line = await write_elsewhere(widget.conversation, "Back again")
    assert [(await reader.events(line.sequence))[-1]["id"] for reader in (client, late)] == [
        str(line.pk)
    ] * 2


async def test_a_socket_hears_of_it_when_the_ai_agent_joins_through_another(quick):
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()

        await run_sync(agent_join, widget.conversation.pk)

        assert [frame["sequence"] for frame in await client.events(3)] == [2, 3]
