"""How the demo and the simulated AWS account agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.amazon_connect.simulator.state import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    Switches,
)

_ACCOUNT = Switches()

DEMO = DemoVendor(
    title="Amazon Connect",
    credentials=lambda url: {
        "instance_id": _ACCOUNT.instance_id,
        "contact_flow_id": _ACCOUNT.contact_flow_id,
        "aws_region": _ACCOUNT.region,
        "role_arn": _ACCOUNT.role_arn,
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
        "endpoint_url": url,
        # The demo's flow is a queue without a bot: whoever waits is seen with what was said.
        "transcript_when": "start",
    },
    desk_config=lambda credentials, webhooks: {"external_id": credentials["external_id"]},
    facts=(
        *("instance_id", "contact_flow_id", "aws_region", "role_arn", "external_id"),
        *("access_key_id", "secret_access_key"),
    ),
)
