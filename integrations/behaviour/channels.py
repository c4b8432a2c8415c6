"""Which channels' handoffs an integration takes when they name no integration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from integrations.models import Integration
from integrations.projects.audit import audit_record

# The channels there are, as stored and as shown.
CHANNELS = {"webchat": "Webchat", "sms": "SMS"}


def channels_of(integration: Integration) -> list[str]:
    """Return the channels that are mapped to an integration; all of them until somebody says."""
    stored = integration.behaviour.get("channels")
    return [name for name in CHANNELS if stored is None or name in stored]


def channel_mapped(kind: str) -> str:
    """Return the channel of this table that a kind of conversation counts as; webchat at last."""
    return kind if kind in CHANNELS else "webchat"


@transaction.atomic
def integration_channels_set(
    *, integration: Integration, channels: Iterable[str], actor: Any
) -> None:
    """Map channels to an integration, and to no other that is not ticked too."""
    wanted = sorted(set(channels) & set(CHANNELS))
    if wanted == sorted(channels_of(integration)):
        return
    integration.behaviour = {**integration.behaviour, "channels": wanted}
    integration.save(update_fields=["behaviour", "updated_at"])
    audit_record(
        project=integration.project,
        actor=actor,
        action="integration.behaviour_changed",
        subject=str(integration),
        fields=["channels"],
    )
