"""How the contract suite pretends to be a custom connector, and connects to the pretence."""

from __future__ import annotations

from integrations.vendors.custom.simulator import CustomSimulator
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=lambda: CustomSimulator(retry_pause_seconds=0.2),
    credentials=lambda url: {
        "connector": "back_office",
        "base_url": url,
        "signing_secret": "simulated-signing-secret-of-32-bytes",
        "capabilities": "typing,presence,read,attachments,queue_status,availability,end_by_user",
        "timeout_ms": "5000",
    },
    bad_key={"signing_secret": "somebody-elses"},
    address_field="base_url",
    options={},
    unknown_faults=("unknown_event", "malformed_event", "old_event"),
    webhook_config=lambda url: {"events_url": f"{url}/events"},
)
