"""Other makers' clients of CometD and REST, unmodified, hear what the simulator publishes."""

from __future__ import annotations

from pathlib import Path

from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_byoc.simulator import SalesforceByocSimulator
from integrations.vendors.salesforce_byoc.simulator.world import CHANNEL, TOPIC
from tests.vendors.node_client import node_client

FILES = Path(__file__).parent / "clients"
SOQL = "SELECT Id FROM MessagingChannel WHERE ChannelAddressIdentifier = '{}'"


async def test_cometd_hears_every_event_from_the_oldest_on_over_a_broken_poll():
    simulator = SalesforceByocSimulator()
    with running_simulator(simulator) as url:
        world = simulator.world
        world.publish_raw("Interaction", "before")
        async with node_client(FILES, url, world.issue(), TOPIC) as client:
            await client.do("cometd")
            await client.until("cometd", "before")
            world.publish_raw("Interaction", "during")
            await client.until("cometd", "during")
            simulator.drop_streams()
            world.publish_raw("Interaction", "after")
            await client.until("cometd", "after")

    assert [one["value"]["text"] for one in client.told if one.get("kind") == "cometd"] == [
        "before",
        "during",
        "after",
    ]


async def test_jsforce_queries_and_hears():
    simulator = SalesforceByocSimulator()
    with running_simulator(simulator) as url:
        world = simulator.world
        world.publish_raw("Interaction", "before")
        async with node_client(FILES, url, world.issue(), TOPIC) as client:
            found = await client.do("query", SOQL.format(CHANNEL))
            client.told.clear()
            absent = await client.do("query", SOQL.format("elsewhere"))
            await client.do("jsforce")
            await client.until("jsforce", "before")

    assert (found["result"], absent["result"]) == (1, 0)
