"""Frames that overtake each other or never come: what the end user reads stays in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    VendorEvent,
)
from tests.contract.bench import AGENT, Bench, Listener, running_bench, until
from tests.vendors.amazon_connect.test_quirks import (
    TIMING,
    connector_with,
    requests,
    talking,
    until_connections,
)

ENDLESS = 3600.0


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


def kinds(listener: Listener, *wanted: type[VendorEvent]) -> list[type[VendorEvent]]:
    """Return the kinds of events in the order in which each came first, the flow's bot aside."""
    firsts = {event.vendor_event_id: event for event in reversed(listener.events)}
    bots = {event.vendor_event_id for event in listener.of_bots()}
    return [
        type(event)
        for name, event in reversed(firsts.items())
        if isinstance(event, wanted) and name not in bots
    ]


async def says(bench: Bench, session: VendorSession, *lines: str) -> None:
    for line in lines:
        await bench.act(session, "say", text=line)


async def test_lines_that_overtake_each_other_are_read_in_the_order_of_their_times(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))
    lines = [f"line {number}" for number in range(10)]

    for pair in zip(lines[::2], lines[1::2], strict=True):
        await bench.fault("swap_next_two")
        await says(bench, session, *pair)
    await listener.wait_for(LiveAgentMessage, len(lines))

    assert listener.texts == lines


async def test_a_live_agent_is_there_before_the_first_line_and_leaves_after_the_last(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await bench.started(connector, accept=False)
    await until(lambda: listener.events)

    await bench.fault("swap_next_two")
    await bench.act(session, "accept", agent_name=AGENT)
    await says(bench, session, "Hello")
    await bench.fault("swap_next_two")
    await says(bench, session, "Goodbye")
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    wanted = [LiveAgentJoined, *[LiveAgentMessage] * 2, LiveAgentLeft, ConversationEnded]
    assert kinds(listener, *wanted) == wanted
    assert listener.texts == ["Hello", "Goodbye"]


async def test_a_last_line_whose_frame_never_came_is_read_before_the_end(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))

    await bench.fault("lose_next")
    await says(bench, session, "Your code is 4417")
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert kinds(listener, LiveAgentMessage, ConversationEnded) == [
        LiveAgentMessage,
        ConversationEnded,
    ]


async def test_a_pause_of_the_connection_costs_no_last_line(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))

    await bench.fault("lose_next")
    await says(bench, session, "Your code is 4417")
    await bench.fault(
        "fail_next", status=429, count=1, path_prefix="/participant/transcript", retry_after=1
    )
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert listener.texts == ["Your code is 4417"]
    assert isinstance(listener.events[-1], ConversationEnded)


async def test_an_end_needs_no_transcript(bench: Bench):
    await bench.desk("POST", "/config", transcript_after_end=False)
    session, listener = await talking(bench, connector_with(bench, TIMING))

    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert isinstance(listener.events[-1], ConversationEnded)


async def test_a_line_that_was_overtaken_and_lost_with_its_socket_is_read_afterwards(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))
    await bench.fault("lose_next")
    await says(bench, session, "overtaken", "overtaking")
    await until(lambda: listener.texts == ["overtaking"])

    await bench.fault("drop_streams")
    await listener.wait_for(LiveAgentMessage, 2)

    assert sorted(listener.texts) == ["overtaken", "overtaking"]


async def test_what_waits_for_its_turn_does_not_go_with_its_socket(bench: Bench):
    connector = connector_with(bench, replace(TIMING, order=ENDLESS, lifetime=0.5))
    session, listener = await talking(bench, connector)

    while not listener.of(LiveAgentTyping):  # no transcript keeps it
        connections = len(await requests(bench, "/participant/connection"))
        await bench.act(session, "type")
        await until_connections(bench, connections + 1)
