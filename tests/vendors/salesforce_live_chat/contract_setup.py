"""How the contract suite pretends to be Live Agent, and connects to the pretence."""

from __future__ import annotations

from integrations.kit.waiting import ReconnectTiming
from integrations.vendors.salesforce_live_chat.simulator import SalesforceLiveChatSimulator
from integrations.vendors.salesforce_live_chat.simulator.world import (
    BUTTON_ID,
    DEPLOYMENT_ID,
    ORG_ID,
)
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=SalesforceLiveChatSimulator,
    credentials=lambda url: {
        "live_agent_url": url,
        "org_id": ORG_ID,
        "deployment_id": DEPLOYMENT_ID,
        "button_id": BUTTON_ID,
    },
    bad_key={"deployment_id": "5728Y0000009999"},
    address_field="live_agent_url",
    options={"timing": ReconnectTiming(first=0.1, factor=1.5, longest=0.2, give_up=1)},
    unknown_faults=("unknown_event", "malformed_event"),
    file_request="ask_for_file",
)
