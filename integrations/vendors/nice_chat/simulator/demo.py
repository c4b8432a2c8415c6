"""How the demo and the simulated CXone agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.nice_chat.simulator.world import BRAND_ID, CHANNEL_ID

DEMO = DemoVendor(
    title="NICE CXone",
    credentials=lambda url: {
        "brand_id": str(BRAND_ID),
        "channel_id": CHANNEL_ID,
        "environment": "NA1",
        "chat_host": f"{url}/env/{{environment}}",
        "gateway_host": f"{url}/env/{{environment}}",
        "authorize_host": f"{url}/env/{{environment}}",
    },
    desk_config=lambda credentials, webhooks: {
        "brand_id": int(credentials["brand_id"]),
        "channel_id": credentials["channel_id"],
    },
    facts=("brand_id", "channel_id", "environment", "chat_host", "gateway_host"),
)
