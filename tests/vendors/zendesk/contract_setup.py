"""How the contract suite pretends to be Zendesk, and connects to the pretence."""

from __future__ import annotations

from integrations.kit.waiting import RateTiming
from integrations.vendors.zendesk.connector.sending import ControlTiming
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=lambda: ZendeskSimulator(retry_speed=500, batch_window_ms=5),
    credentials=lambda url: {
        "subdomain": "brightside",
        "app_id": "aa11bb22cc33dd44ee55ff66",
        "integration_id": "bb11cc22dd33ee44ff55aa66",
        "webhook_id": "dd11ee22ff33aa44bb55cc66",
        "shared_secret": "simulated-shared-secret",
        "key_id": "int_cc11dd22ee33ff44aa55bb66",
        "key_secret": "simulated-integration-key-secret",
        "status_webhook_secret": "simulated-ticket-webhook-key",
        "status_webhook_header": "X-Portal-Ticket-Key",
        "switchboard_integration_name": "zd-agentWorkspace",
        "own_switchboard_name": "handoff-portal",
        "support_email": "integration@brightside.example",
        "support_api_token": "simulated-support-api-token",
        "base_url_override": f"{url}/sc",
    },
    bad_key={"key_secret": "somebody-elses"},
    address_field="base_url_override",
    options={
        "timing": RateTiming(first=0.1, longest=0.5, in_place=0.5),
        "control": ControlTiming(merge=0.5),
    },
    unknown_faults=("unknown_event", "malformed_event"),
    webhook_config=lambda url: {
        "webhook_target": f"{url}/events",
        "ticket_webhook_target": f"{url}/status",
    },
)
