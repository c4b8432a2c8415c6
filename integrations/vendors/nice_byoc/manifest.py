"""NICE CXone as a channel of our own (BYOC), planned: the second connection type of its tile."""

from __future__ import annotations

from integrations.contract.manifest import Delivery, Manifest, Support

MANIFEST = Manifest(
    key="nice_byoc",
    integration_key="nice_integration",
    tile="NICE CXone Messaging",
    name="NICE CXone Bring Your Own Channel",
    tile_order=1,
    connection_type="Bring Your Own Channel",
    vendor="NICE CXone",
    summary="Live agents answer in CXone, on a channel of your own.",
    delivery=Delivery.WEBHOOK,
    support=Support.EXPERIMENTAL,
)
