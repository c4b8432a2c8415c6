"""How the contract suite pretends to be Amazon Connect, and connects to the pretence."""

from __future__ import annotations

from integrations.vendors.amazon_connect.connector.stream import SocketTiming
from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from tests.contract.setup import VendorSetup

AWS_EXTERNAL_ID = "hp-birchline-Zk31vQ8sXw0pLm2Tn7Rb4Yc6"

SETUP = VendorSetup(
    simulator=lambda: AmazonConnectSimulator(external_id=AWS_EXTERNAL_ID, typing_seconds=0.5),
    credentials=lambda url: {
        "instance_id": "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11",
        "contact_flow_id": "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903",
        "aws_region": "eu-central-1",
        "role_arn": "arn:aws:iam::210987654321:role/PortalHandoff",
        "external_id": AWS_EXTERNAL_ID,
        "access_key_id": "AKIASIMULATORPORTAL1",
        "secret_access_key": "simulated/Secret+Key/of/the/portals/user1",
        "endpoint_url": url,
        # What the tests of all vendors look for at once.
        "transcript_when": "start",
    },
    bad_key={"external_id": "hp-somebody-else"},
    address_field="endpoint_url",
    options={"timing": SocketTiming(beat=0.5, idle=5, give_up=1, first_delay=0.1, max_delay=0.2)},
    unknown_faults=(
        "unknown_event",
        "unknown_message",
        "malformed_item",
        "malformed_event",
        "malformed_frame",
    ),
)
