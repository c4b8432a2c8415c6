"""The vendor's own guest SDK, unmodified, in a page of jsdom, talks with the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.nice_chat.simulator import NiceChatSimulator
from integrations.vendors.nice_chat.simulator.world import BRAND_ID, CHANNEL_ID
from tests.vendors.node_client import node_client

FILES = Path(__file__).parent / "sdk"
THREAD = "0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa"


@pytest.fixture
def simulator() -> Iterator[NiceChatSimulator]:
    simulator = NiceChatSimulator()
    with running_simulator(simulator):
        yield simulator


async def test_the_sdk_holds_a_whole_chat(simulator: NiceChatSimulator):
    place = (simulator.base_url, str(BRAND_ID), CHANNEL_ID)
    async with node_client(FILES, *place) as client:
        authorized = await client.do("connect")
        channel = await client.do("channel")
        await client.do("open", THREAD)
        before = await client.do("look")
        await client.do("say", "Where is my parcel?")
        await client.until("event", "CaseCreated")
        simulator.live_agent_joins(THREAD, agent_name="Noor Halvorsen")
        simulator.live_agent_says(THREAD, text="Let me look.")
        await client.until("event", "Let me look.")
        await client.do("answer", {"text": "Yes", "postback": "PB-yes"})
        after = await client.do("recover")
        simulator.live_agent_ends(THREAD)
        await client.until("event", "closed")

    assert authorized == "guest-of-the-sdk"
    assert channel["isLiveChat"] is False
    assert (before, after) == ("nothing", 3)
    [row] = simulator.desk_conversations()
    assert row["messages"][0]["text"] == "Where is my parcel?"
    assert row["messages"][-1]["answer"] == {"label": "Yes", "postback": "PB-yes"}
