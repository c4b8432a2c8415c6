"""How the contract suite pretends to be a CXone tenant with a BYOC channel."""

from __future__ import annotations

from integrations.vendors.nice_byoc.connector.connector import PollTiming
from integrations.vendors.nice_byoc.simulator import NiceByocSimulator
from integrations.vendors.nice_byoc.simulator.demo import DEMO
from tests.contract.setup import VendorSetup

BOX = {"box_client_id": "hp_simulated01", "box_client_secret": "simulated-box-secret-of-the-portal"}

SETUP = VendorSetup(
    simulator=lambda: NiceByocSimulator(
        client_id=BOX["box_client_id"],
        client_secret=BOX["box_client_secret"],
        retry_pause_seconds=0.2,
    ),
    credentials=lambda url: {**DEMO.credentials(url), **BOX},
    bad_key={"access_key_secret": "somebody-elses"},
    address_field="discovery_host",
    options={
        "timing": PollTiming(
            poll=0.1, history=0.3, lag=0.05, give_up=2, first_delay=0.1, max_delay=0.2
        )
    },
    unknown_faults=("unknown_event", "malformed_event"),
    webhook_config=lambda url: {"box_url": f"{url}/events"},
)
