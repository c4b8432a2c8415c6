"""How the contract suite pretends to be Webex, and connects to the pretence."""

from __future__ import annotations

from integrations.vendors.webex.simulator import WebexSimulator
from integrations.vendors.webex.simulator.world import (
    ASSET_SECRET,
    CLIENT_ID,
    CLIENT_SECRET,
    ORG_ID,
    REFRESH_TOKEN,
    SUBSCRIPTION_SECRET,
)
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=lambda: WebexSimulator(retry_pause_seconds=0.2),
    credentials=lambda url: {
        "api_base_url": url,
        "oauth_base_url": url,
        "org_id": ORG_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "business_address": "care@shop.example",
        "channel_name": "portal-chat",
        "asset_webhook_secret": ASSET_SECRET,
        "subscription_secret": SUBSCRIPTION_SECRET,
    },
    bad_key={"client_secret": "somebody-elses"},
    address_field="oauth_base_url",
    options={},
    unknown_faults=("unknown_event", "malformed_event", "forged_event"),
    webhook_config=lambda url: {"webhook_url": f"{url}/events", "is_subscribed": True},
)
