"""Twilio SMS, planned: a channel on which end users write, no place to hand off to."""

from __future__ import annotations

from integrations.contract.manifest import Delivery, Manifest, Support, TileGroup

MANIFEST = Manifest(
    key="twilio_sms",
    integration_key="twilio_integration",
    tile="Twilio SMS",
    group=TileGroup.CHANNELS,
    name="Twilio SMS",
    vendor="Twilio",
    summary="End users write by text message instead of the widget.",
    # No live agent answers there.
    delivery=Delivery.NONE,
    support=Support.EXPERIMENTAL,
)
