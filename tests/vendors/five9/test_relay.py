"""A whole conversation through the portal's own address: the relay, the webhooks and the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from conversations.event_loop.executor import run_sync
from conversations.journal.publish import conversation_group
from integrations.simulators.simulator import running_simulator
from integrations.vendors.five9.mapping import TYPING_SECONDS
from integrations.vendors.five9.simulator import Five9Simulator
from tests.handoffs.talk import Talk
from tests.vendors.relayed import connect, hand_off, relayed
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
TYPING = "EVENT_TYPE_LIVE_AGENT_TYPING"


@pytest.fixture
def simulator() -> Iterator[Five9Simulator]:
    simulator = Five9Simulator(retry_pause_seconds=0.2)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
async def talk(live_server: Any, settings: Any, simulator: Five9Simulator) -> AsyncIterator[Talk]:
    settings.PUBLIC_URL = live_server.url
    handoff = await run_sync(lambda: hand_off(connect("five9", simulator)))
    async with relayed(handoff, simulator) as one:
        yield one


async def test_both_sides_talk_typing_goes_out_by_itself_and_the_live_agent_ends(
    talk: Talk,
) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(conversation_group(talk.handoff.conversation_id), channel)
    await talk.serve()
    await talk.reaches("queued")
    talk.simulator.live_agent_joins(talk.desk_id(), agent_name="Noor Halvorsen")
    await talk.reaches("active")

    talk.simulator.live_agent_types(talk.desk_id())
    began = await _typing(layer, channel, "TYPING_STATE_STARTED")
    await talk.write("Where is it?")
    await talk.arrives("Where is it?")
    over = await _typing(layer, channel, "TYPING_STATE_STOPPED")
    talk.simulator.live_agent_says(talk.desk_id(), text="In Lyon.")
    await eventually_async(talk.said_by_agent)
    talk.simulator.live_agent_ends(talk.desk_id())
    await talk.finished()

    assert over - began == pytest.approx(TYPING_SECONDS, abs=1)
    assert await talk.said_by_agent() == ["In Lyon."]
    kinds = [kind for kind, _ in await talk.journal()]
    assert kinds[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]
    assert kinds.count("LIVE_AGENT_JOINED") == 1


async def test_a_message_on_its_way_takes_nothing_back_of_who_has_come_meanwhile(
    talk: Talk,
) -> None:
    await talk.serve()
    await talk.reaches("queued")
    talk.simulator.live_agent_joins(talk.desk_id(), agent_name="Noor Halvorsen")
    await talk.reaches("active")
    talk.simulator.set_latency(ms=800)

    [line] = await talk.write("Where is it?")
    await asyncio.sleep(0.2)
    talk.simulator.live_agent_transfers(talk.desk_id(), agent_name="Ruth Abara")
    await eventually_async(lambda: _knows(talk, "agent", "Ruth Abara"))
    await eventually_async(lambda: _knows(talk, "sent", [str(line.pk)]))

    assert await _knows(talk, "agent", "Ruth Abara")


async def _knows(talk: Talk, name: str, value: object) -> bool:
    """Say whether a worker that takes over now would know this."""
    session = (await talk.now()).vendor_session
    return bool(session and session["state"].get(name) == value)


async def _typing(layer: Any, channel: str, state: str) -> float:
    """Wait for an indicator and return when it came."""
    while True:
        message = await asyncio.wait_for(layer.receive(channel), 10)
        frame = message.get("frame", {})
        if frame.get("type") == TYPING and frame["payload"]["state"] == state:
            return time.monotonic()
