"""How the contract suite pretends to be Genesys, and connects to the pretence."""

from __future__ import annotations

from integrations.vendors.genesys.connector.records import GenesysTiming
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=lambda: GenesysSimulator(webhook_retry_pause_seconds=0.2, typing_seconds=1),
    credentials=lambda url: {
        "region": "mypurecloud.com",
        "integration_id": "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42",
        "client_id": "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10",
        "client_secret": "simulated-client-secret",
        "webhook_secret": "portal-secret-0123456789",
        "login_base_url": url,
        "api_base_url": url,
    },
    bad_key={"client_secret": "somebody-elses"},
    address_field="login_base_url",
    options={
        "timing": GenesysTiming(
            poll=1,
            poll_alone=0.3,
            poll_offered=0.1,
            settle=0.2,
            lag=0.1,
            silence=5,
            first_delay=0.05,
            max_delay=0.2,
        )
    },
    unknown_faults=("unknown_event", "malformed_event", "malformed_webhook"),
    webhook_config=lambda url: {"webhook_url": f"{url}/events"},
)
