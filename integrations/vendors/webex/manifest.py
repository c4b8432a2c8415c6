"""Webex Contact Center, planned: what payloads may say to it until it has a connector."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, pattern, scalar, text
from integrations.contract.manifest import Delivery, Manifest, Support

_UUID = pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a UUID")

MANIFEST = Manifest(
    key="webex",
    integration_key="webex_integration",
    tile="Webex Messaging",
    name="Webex Messaging",
    vendor="Webex",
    summary="Live agents answer in the Webex Contact Center desktop.",
    delivery=Delivery.WEBHOOK,
    support=Support.EXPERIMENTAL,
    hints=(
        Hint(name="destination_id", check=_UUID),
        Hint(name="entry_point_id", check=_UUID),
        Hint(name="global_variables", check=flat_dict(text(1, 64), scalar)),
    ),
    aliases=("webex",),
)
