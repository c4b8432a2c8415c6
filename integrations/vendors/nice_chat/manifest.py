"""NICE CXone as a chat channel, planned: what payloads may say to it until it has a connector."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, pattern, text
from integrations.contract.manifest import Delivery, Manifest, Support

_FIELD = pattern(r"[A-Za-z0-9_.-]{1,64}", "a field name of letters, digits, _ . -")
_CUSTOM_FIELDS = flat_dict(_FIELD, text(0, 1024))

MANIFEST = Manifest(
    key="nice_chat",
    integration_key="nice_integration",
    tile="NICE CXone Messaging",
    name="NICE CXone Messaging",
    vendor="NICE CXone",
    summary="Live agents answer in CXone, routed by skill.",
    delivery=Delivery.STREAM,
    support=Support.EXPERIMENTAL,
    hints=(
        Hint(name="contact_custom_fields", check=_CUSTOM_FIELDS),
        Hint(name="customer_custom_fields", check=_CUSTOM_FIELDS),
        Hint(name="channel_id", check=text(1, 255), replaces_saved=True),
    ),
    aliases=("nice", "nice_cxone"),
)
