"""How the contract suite pretends to be Five9."""

from __future__ import annotations

from integrations.vendors.five9.connector.connector import Five9Timing
from integrations.vendors.five9.simulator import Five9Simulator
from integrations.vendors.five9.simulator.world import CAMPAIGN, TENANT
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    # Only `type` tells that typing has stopped; path and type come together here.
    simulator=lambda: Five9Simulator(callback_style="both", retry_pause_seconds=0.2),
    credentials=lambda url: {
        "region": "custom",
        "login_base_url": url,
        "tenant_name": TENANT,
        "campaign_name": CAMPAIGN,
        "webhook_username": "hp-project-user",
        "webhook_password": "simulated-webhook-password",
    },
    bad_key={"tenant_name": "acme trial domain"},
    address_field="login_base_url",
    options={"timing": Five9Timing(poll=0.05)},
    unknown_faults=("unknown_event", "malformed_event"),
    webhook_config=lambda url: {"callback_base": f"{url}/events"},
)
