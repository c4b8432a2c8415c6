"""The vendor's own guest SDK, unmodified, in a page of jsdom, talks with the simulator.

What it sends judges what our connector sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.nice_chat.simulator import NiceChatSimulator
from integrations.vendors.nice_chat.simulator.world import BRAND_ID, CHANNEL_ID
from tests.contract.bench import Bench, handoff_request, outbound
from tests.vendors.node_client import node_client

FILES = Path(__file__).parent / "sdk"
THREAD = "0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa"
# The guest's name, which the SDK sends once a page has set it, and the visitor, as it authorizes.
OPTIONAL = {
    "payload.consumerIdentity.firstName",
    "payload.consumerIdentity.lastName",
    "payload.visitor.id",
}
# What the web SDK adds to every message, and knows of the browser.
HOSTS = ("chat_host", "gateway_host", "authorize_host")
OF_THE_WEB = "payload.data.browserFingerprint"


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


def shape(value: Any, place: str = "") -> dict[str, str]:
    """Return the type of everything in a frame, by its place."""
    if not isinstance(value, dict):
        return {place: type(value).__name__}
    inner = [shape(one, f"{place}.{name}".lstrip(".")) for name, one in value.items()]
    return {place: "dict"} | {found: kind for one in inner for found, kind in one.items()}


def sent_to(simulator: NiceChatSimulator, event: str) -> list[dict[str, str]]:
    frames = [one for one in simulator.requests.all() if one.path == f"/{event}"]
    return [shape(json.loads(frame.body)) for frame in frames]


async def test_the_connectors_frames_are_those_of_the_sdk(
    simulator: NiceChatSimulator, bench: Bench
):
    place = (simulator.base_url, str(BRAND_ID), CHANNEL_ID)
    async with node_client(FILES, *place) as client:
        await client.do("connect")
        await client.do("open", THREAD)
        await client.do("look")
        await client.do("say", "Where is my parcel?")
    theirs = {name: sent_to(simulator, name)[0] for name in ("AuthorizeCustomer", "RecoverThread")}
    theirs["SendMessage"] = sent_to(simulator, "SendMessage")[0]
    simulator.requests.clear()
    connector = bench.connector(**dict.fromkeys(HOSTS, simulator.base_url))

    session = await connector.start(handoff_request())
    await connector.send_message(session, outbound("Is anybody there?"))
    await connector.close()

    for name, wanted in theirs.items():
        first, *later = (without_the_web(one) for one in sent_to(simulator, name))
        known = without_the_web(wanted)
        # The first frame of a kind lacks nothing, and none has what the SDK's have not.
        assert known.items() <= first.items(), name
        for ours in (first, *later):
            assert {place for place in ours.items() if place[0] not in OPTIONAL} <= known.items()


def without_the_web(found: dict[str, str]) -> dict[str, str]:
    return {place: kind for place, kind in found.items() if not place.startswith(OF_THE_WEB)}
