"""What a named destination adds to a payload: its integration, and hints that come second."""

from __future__ import annotations

from dataclasses import replace

from conversations.models import Destination
from handoffs.payload.reading import HandoffPayload


def destination_merge(place: Destination, payload: HandoffPayload) -> HandoffPayload:
    """Return the payload with what the destination holds; what the tool named itself wins."""
    hints: dict[str, object] = {**place.hints, **payload.hints}
    saved, given = place.hints.get("attributes"), payload.hints.get("attributes")
    if isinstance(saved, dict) and isinstance(given, dict):
        hints["attributes"] = {**saved, **given}
    # Without a reason of its own, a payload has its destination's name as one.
    own_reason = "" if payload.reason == payload.destination else payload.reason
    return replace(
        payload,
        integration_key=place.integration_key or None,
        destination=place.name,
        reason=own_reason or str(hints.get("reason") or "") or place.name,
        hints=hints,
        queue=str(hints.get("queue", "")),
    )
