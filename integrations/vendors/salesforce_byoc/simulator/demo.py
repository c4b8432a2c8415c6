"""How the demo and the simulated channel of one's own agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.salesforce_byoc.simulator.world import (
    CHANNEL,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    DEFINITION,
    ORG_ID,
)

# What an admin declares in Salesforce, so that these routing attributes reach the live agent.
_PARAMETERS = {
    "PortalSessionId": "Portal_Session_Id__c",
    "Chat_Consumer_Type": "Chat_Consumer_Type__c",
}

DEMO = DemoVendor(
    title="Salesforce BYOC",
    credentials=lambda url: {
        "org_id": ORG_ID,
        "instance_url": url,
        "scrt_url": url,
        "oauth_flow": "client_credentials",
        "login_host": "my_domain",
        "consumer_key": CONSUMER_KEY,
        "consumer_secret": CONSUMER_SECRET,
        "authorization_context": DEFINITION,
        "channel_address_identifier": CHANNEL,
    },
    desk_config=lambda credentials, webhooks: {"custom_parameters": _PARAMETERS},
    facts=("org_id", "authorization_context", "channel_address_identifier"),
    credential_set="byoc",
)
