"""What the contract suite must know of each vendor beyond its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integrations.connector import Connector
from integrations.registry import connector_class
from integrations.simulator import Simulator
from integrations.vendors.salesforce_messaging.connector_stream import StreamTiming
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator


@dataclass(frozen=True, kw_only=True)
class VendorSetup:
    """How to pretend to be a vendor, and how to connect to the pretence.

    `bad_key` replaces credentials so that the vendor refuses them; `options` are constructor
    arguments that shorten the connector's waits; `unknown_faults` make the vendor send what no
    contract page mentions.
    """

    simulator: Callable[[], Simulator]
    credentials: Callable[[str], Mapping[str, str]]
    bad_key: Mapping[str, str]
    address_field: str
    options: Mapping[str, object]
    unknown_faults: tuple[str, ...]


def build_connector(key: str, options: Mapping[str, object], **parts: object) -> Connector:
    """Make a vendor's connector with shortened waits."""
    return connector_class(key)(**parts, **options)


SETUPS: Mapping[str, VendorSetup] = {
    "salesforce_messaging": VendorSetup(
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
                idle=5, end_check=0.3, end_recheck=0.3, give_up=1, first_delay=0.1, max_delay=0.2
            )
        },
        unknown_faults=("unknown_event", "malformed_event", "malformed_payload"),
    ),
}
