"""Salesforce Live Chat (legacy), planned: for organizations that still run Live Agent."""

from __future__ import annotations

from integrations.contract.manifest import Delivery, Manifest, Support

MANIFEST = Manifest(
    key="salesforce_live_chat",
    integration_key="salesforce_integration",
    tile="Salesforce Messaging",
    name="Salesforce Live Chat",
    vendor="Salesforce",
    summary="Live agents answer in the Service Console through the legacy Live Agent API.",
    tile_order=2,
    connection_type="Live Chat (legacy)",
    delivery=Delivery.STREAM,
    support=Support.EXPERIMENTAL,
)
