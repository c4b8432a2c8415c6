"""How the demo and the simulated Five9 agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.five9.simulator.world import CAMPAIGN, TENANT

DEMO = DemoVendor(
    title="Five9",
    credentials=lambda url: {
        "region": "custom",
        "login_base_url": url,
        "tenant_name": TENANT,
        "campaign_name": CAMPAIGN,
    },
    desk_config=lambda credentials, webhooks: {
        "callback_base": webhooks["events"],
        "webhook_username": credentials["webhook_username"],
        "webhook_password": credentials["webhook_password"],
    },
    facts=("login_base_url", "tenant_name", "campaign_name"),
)
