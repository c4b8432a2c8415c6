"""Five9, planned: what payloads may say to it until it has a connector."""

from __future__ import annotations

from integrations.contract.hints import Hint, text
from integrations.contract.manifest import Delivery, Manifest, Support

MANIFEST = Manifest(
    key="five9",
    integration_key="five9_integration",
    tile="Five9",
    name="Five9",
    summary="Live agents answer in Five9 through Open Messaging.",
    delivery=Delivery.WEBHOOK,
    support=Support.EXPERIMENTAL,
    hints=(Hint(name="campaign_name", check=text(1, 128), replaces_saved=True),),
    aliases=("five9",),
)
