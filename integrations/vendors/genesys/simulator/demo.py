"""How the demo and the simulated Genesys Cloud org agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.genesys.simulator.world import OrgSwitches

_ORG = OrgSwitches()

DEMO = DemoVendor(
    title="Genesys",
    credentials=lambda url: {
        "region": "mypurecloud.com",
        "integration_id": _ORG.integration_id,
        "client_id": _ORG.client_id,
        "client_secret": _ORG.client_secret,
        "login_base_url": url,
        "api_base_url": url,
    },
    desk_config=lambda credentials, webhooks: {
        "webhook_url": webhooks["events"],
        "webhook_secret": credentials["webhook_secret"],
    },
    facts=("region", "integration_id", "client_id", "client_secret", "webhook_secret"),
)
