"""How the demo and the simulated Salesforce org agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor

# What an admin declares in Salesforce, so that these routing attributes reach the live agent.
CUSTOM_PARAMETERS = {
    "PortalSessionId": "Portal_Session_Id__c",
    "Chat_Consumer_Type": "Chat_Consumer_Type__c",
}

DEMO = DemoVendor(
    title="Salesforce",
    credentials=lambda url: {
        "mode": "miaw",
        "org_id": "00D8Y0000012abc",
        "scrt_url": url,
        "es_developer_name": "Portal_Handoff",
    },
    desk_config=lambda credentials, webhooks: {"custom_parameters": CUSTOM_PARAMETERS},
    facts=("org_id", "es_developer_name"),
    is_plain=True,
)
