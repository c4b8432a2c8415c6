"""How the demo and the simulated Webex organization agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.webex.simulator.world import ORG_ID, REFRESH_TOKEN, Switches

_ORG = Switches()

DEMO = DemoVendor(
    title="Webex",
    credentials=lambda url: {
        "api_base_url": url,
        "oauth_base_url": url,
        "org_id": ORG_ID,
        "client_id": _ORG.client_id,
        "client_secret": _ORG.client_secret,
        "refresh_token": REFRESH_TOKEN,
        "business_address": _ORG.business_address,
        "channel_name": _ORG.channel_name,
        "variable_names": '{"queue": "handoffQueue", "skills": "handoffSkills"}',
    },
    desk_config=lambda credentials, webhooks: {
        "webhook_url": webhooks["events"],
        "asset_webhook_secret": credentials["asset_webhook_secret"],
    },
    facts=("org_id", "client_id", "business_address", "channel_name", "asset_webhook_secret"),
)
