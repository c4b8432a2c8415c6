"""How the demo and the simulated tenant agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.nice_byoc.simulator.world import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    CHANNEL_ID,
    INTEGRATION_ID,
    OAUTH_CLIENT_ID,
    OAUTH_CLIENT_SECRET,
)

DEMO = DemoVendor(
    title="NICE CXone BYOC",
    credentials=lambda url: {
        "integration_id": INTEGRATION_ID,
        "channel_id": CHANNEL_ID,
        "access_key_id": ACCESS_KEY_ID,
        "access_key_secret": ACCESS_KEY_SECRET,
        "client_id": OAUTH_CLIENT_ID,
        "client_secret": OAUTH_CLIENT_SECRET,
        "discovery_host": url,
        "api_host": url,
    },
    desk_config=lambda credentials, webhooks: {
        "box_url": webhooks["events"],
        "client_id": credentials["box_client_id"],
        "client_secret": credentials["box_client_secret"],
    },
    facts=("integration_id", "channel_id", "access_key_id", "access_key_secret", "client_id"),
    credential_set="byoc",
)
