"""How the demo and the simulated Live Agent agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.salesforce_live_chat.simulator.world import (
    BUTTON_ID,
    DEPLOYMENT_ID,
    ORG_ID,
)

# What an admin adds to the object Live Chat Transcript, and maps in the form.
_TRACE_FIELD = "Portal_Session_Id__c"

DEMO = DemoVendor(
    title="Salesforce Live Chat",
    credentials=lambda url: {
        "live_agent_url": url,
        "org_id": ORG_ID,
        "deployment_id": DEPLOYMENT_ID,
        "button_id": BUTTON_ID,
        "transcript_fields": f'{{"PortalSessionId": "{_TRACE_FIELD}"}}',
    },
    desk_config=lambda credentials, webhooks: {"transcript_fields": [_TRACE_FIELD]},
    facts=("org_id", "deployment_id", "button_id"),
    credential_set="live_chat",
)
