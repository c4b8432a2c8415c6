"""Salesforce Bring Your Own Channel, planned: what payloads may say to it until then."""

from __future__ import annotations

from integrations.contract.hints import Hint, pattern
from integrations.contract.manifest import Delivery, Manifest, Support

_QUEUE = pattern(
    r"00G[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", "a Salesforce queue id, 00G and 12 or 15 more"
)
_FLOW = pattern(
    r"300[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", "a Salesforce flow id, 300 and 12 or 15 more"
)

MANIFEST = Manifest(
    key="salesforce_byoc",
    integration_key="salesforce_integration",
    tile="Salesforce Messaging",
    name="Salesforce Bring Your Own Channel",
    vendor="Salesforce",
    summary="Live agents answer in the Service Console, on a channel of your own.",
    tile_order=1,
    connection_type="Bring Your Own Channel",
    delivery=Delivery.STREAM,
    support=Support.EXPERIMENTAL,
    hints=(Hint(name="queue_id", check=_QUEUE), Hint(name="flow_id", check=_FLOW)),
)
