"""Wake-ups go out together, in order, without anybody waiting; what cannot go is dropped."""

from __future__ import annotations

import asyncio
import logging
import uuid

import pytest
from channels.layers import get_channel_layer
from django.db import transaction
from prometheus_client import REGISTRY

from config.demo.embedded import free_port
from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.channel_layer import RELAY_PREFIX
from conversations.journal.frames import EventType, transient_frame

TOO_MANY = publish._WAITING + 5


class Listener:
    """Hears one relay worker's group, in order."""

    def __init__(self):
        self.worker_id = uuid.uuid4()

    async def begin(self):
        self.layer = get_channel_layer()
        self.channel = await self.layer.new_channel(RELAY_PREFIX)
        await self.layer.group_add(publish.relay_group(self.worker_id), self.channel)
        return self

    async def heard(self, count):
        """Return the handoffs of the next messages."""
        async with asyncio.timeout(10):
            return [(await self.layer.receive(self.channel))["handoff_id"] for _ in range(count)]

    def tell(self, *names):
        for name in names:
            publish.relay_wake_with(self.worker_id, name, None)


@pytest.fixture
async def listener():
    return await Listener().begin()


def dropped():
    return REGISTRY.get_sample_value("baton_wake_ups_dropped_total") or 0.0


async def test_many_messages_arrive_in_the_order_in_which_they_were_given(listener):
    names = [str(number) for number in range(3 * publish._BATCH + 7)]

    listener.tell(*names)

    assert await listener.heard(len(names)) == names


async def test_messages_given_while_others_are_sent_follow_them(listener):
    listener.tell("first")
    heard = await listener.heard(1)

    listener.tell("second")
    await asyncio.sleep(0)
    listener.tell("third")

    assert heard + await listener.heard(2) == ["first", "second", "third"]


async def test_messages_of_different_groups_reach_their_own(listener):
    other = await Listener().begin()

    for number in range(20):
        listener.tell(f"mine-{number}")
        other.tell(f"other-{number}")

    assert await listener.heard(20) == [f"mine-{number}" for number in range(20)]
    assert await other.heard(20) == [f"other-{number}" for number in range(20)]


@pytest.mark.django_db(transaction=True)
async def test_what_a_service_publishes_in_a_thread_goes_out_in_order_after_its_commit(listener):
    def service():
        with transaction.atomic():
            for number in range(10):
                publish.relay_wake(listener.worker_id, str(number))
            publish._outgoing(asyncio_loop).put(
                publish.relay_group(listener.worker_id),
                {"type": "relay.wake", "handoff_id": "before the commit"},
            )

    asyncio_loop = asyncio.get_running_loop()
    await run_sync(service)

    wanted = ["before the commit", *map(str, range(10))]
    assert await listener.heard(11) == wanted


async def test_what_waits_has_a_bound_beyond_which_it_is_dropped_and_counted(listener):
    before = dropped()
    names = [str(number) for number in range(TOO_MANY)]

    listener.tell(*names)  # nothing goes out before this task waits

    assert dropped() == before + 5
    assert await listener.heard(publish._WAITING) == names[: publish._WAITING]
    listener.tell("later")
    assert await listener.heard(1) == ["later"]


async def test_nobody_is_told_where_nobody_owns(listener):
    publish.relay_wake_with(None, "h-1", None)
    listener.tell("h-2")

    assert await listener.heard(1) == ["h-2"]


async def test_an_outage_is_logged_once_when_it_comes_and_once_when_it_goes(settings, caplog):
    caplog.set_level(logging.WARNING, logger="conversations.journal.publish")
    here = settings.CHANNEL_LAYERS
    [[_, default]] = here.items()
    nowhere = {"hosts": [f"redis://127.0.0.1:{free_port()}/0"], "prefix": "baton"}
    frame = transient_frame(EventType.POLY_AGENT_THINKING, {})

    settings.CHANNEL_LAYERS = {"default": {**default, "CONFIG": nowhere}}
    for _ in range(3):
        await publish._groups_send([("conversation.c", {"type": "conversation.transient"})])
        publish.transient_show("c", frame)
    settings.CHANNEL_LAYERS = here
    listener = await Listener().begin()
    listener.tell("back")
    heard = await listener.heard(1)

    messages = [record.getMessage() for record in caplog.records]
    assert heard == ["back"]
    assert messages == ["The channel layer is away: ConnectionError", "The channel layer is back"]


async def test_one_message_that_cannot_be_written_down_stops_no_other(listener):
    publish.transient_show(
        "c", transient_frame(EventType.LIVE_AGENT_TYPING, {"agent_id": "half \ud83d of a pair"})
    )
    await asyncio.sleep(0)
    listener.tell("next")

    assert await listener.heard(1) == ["next"]


async def test_a_number_that_no_frame_can_hold_stops_no_other(listener):
    publish.transient_show(
        "c", transient_frame(EventType.HANDOFF_QUEUE_STATUS, {"position_in_queue": 10**30})
    )
    listener.tell("next")

    assert await listener.heard(1) == ["next"]
