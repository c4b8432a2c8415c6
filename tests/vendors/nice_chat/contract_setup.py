"""How the contract suite pretends to be CXone's chat channel, and connects to the pretence."""

from __future__ import annotations

from integrations.vendors.nice_chat.connector.socket import SocketTiming
from integrations.vendors.nice_chat.simulator import NiceChatSimulator
from integrations.vendors.nice_chat.simulator.world import BRAND_ID, CHANNEL_ID
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=NiceChatSimulator,
    credentials=lambda url: {
        "brand_id": str(BRAND_ID),
        "channel_id": CHANNEL_ID,
        "environment": "custom",
        "chat_host": url,
        "gateway_host": url,
        "authorize_host": url,
    },
    bad_key={"brand_id": "4712"},
    address_field="chat_host",
    options={
        "timing": SocketTiming(
            beat=0.5, idle=3, recheck=1, ask_again=0.1, give_up=2, first_delay=0.1, max_delay=0.2
        )
    },
    unknown_faults=("unknown_event", "malformed_event", "stray_error"),
)
