"""Salesforce CRM, planned: contacts and cases, no live agents."""

from __future__ import annotations

from integrations.contract.manifest import Delivery, Manifest, Support, TileGroup

MANIFEST = Manifest(
    key="salesforce_crm",
    integration_key="salesforce_crm_integration",
    tile="Salesforce CRM",
    group=TileGroup.CRM,
    name="Salesforce CRM",
    vendor="Salesforce",
    summary="Find contacts and create cases from a conversation.",
    delivery=Delivery.NONE,
    support=Support.EXPERIMENTAL,
)
