"""How the contract suite pretends to be Salesforce, and connects to the pretence."""

from __future__ import annotations

from integrations.kit.waiting import ReconnectTiming
from integrations.vendors.salesforce_messaging.connector.stream import StreamTiming
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests.contract.setup import VendorSetup

SETUP = VendorSetup(
    simulator=SalesforceMessagingSimulator,
    credentials=lambda url: {
        "mode": "miaw",
        "org_id": "00D8Y0000012abcUAA",
        "scrt_url": url,
        "es_developer_name": "Portal_Handoff",
    },
    bad_key={"es_developer_name": "Somebody_Else"},
    address_field="scrt_url",
    options={
        "timing": StreamTiming(
            idle=5,
            end_check=0.3,
            end_recheck=0.3,
            reconnect=ReconnectTiming(first=0.1, factor=1.5, longest=0.2, give_up=1),
        )
    },
    unknown_faults=("unknown_event", "malformed_event", "malformed_payload"),
)
