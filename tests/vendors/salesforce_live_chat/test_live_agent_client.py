"""Another maker's client of the Chat REST API, unmodified, holds a whole chat here."""

from __future__ import annotations

from pathlib import Path

from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_live_chat.simulator import SalesforceLiveChatSimulator
from integrations.vendors.salesforce_live_chat.simulator.world import (
    BUTTON_ID,
    DEPLOYMENT_ID,
    ORG_ID,
)
from tests.vendors.node_client import node_client

FILES = Path(__file__).parent / "live_agent"


async def test_the_client_waits_talks_and_ends():
    simulator = SalesforceLiveChatSimulator()
    with running_simulator(simulator) as url:
        async with node_client(FILES, url, ORG_ID, DEPLOYMENT_ID, BUTTON_ID) as client:
            waiting = await client.until("ChatRequestSuccess")
            await client.do("available")
            online = await client.until("Availability")
            [chat] = simulator.desk_conversations()
            simulator.live_agent_joins(chat["id"], agent_name="Noor Halvorsen")
            await client.until("ChatEstablished", "Noor Halvorsen")
            simulator.live_agent_types(chat["id"])
            await client.until("AgentTyping")
            simulator.live_agent_says(chat["id"], text="Let me look")
            await client.until("ChatMessage", "Let me look")
            await client.do("type")
            await client.do("say", "Where is my parcel?")
            simulator.live_agent_transfers(chat["id"], agent_name="Sam Achterberg")
            await client.until("ChatTransferred", "Sam Achterberg")
            await client.do("end")

    [row] = simulator.desk_conversations()
    assert waiting["queuePosition"] == 0
    assert online["results"] == [{"id": BUTTON_ID, "isAvailable": True}]
    assert [m["text"] for m in row["messages"] if m["from"] == "end_user"] == [
        "Where is my parcel?"
    ]
    assert (row["status"], row["session_ended_by"]) == ("ended", "end_user")
