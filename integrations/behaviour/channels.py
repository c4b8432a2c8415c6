"""Which channels' handoffs an integration takes when they name no integration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from integrations.contract.registry import manifest_get
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


def channel_takers(of: Integration) -> list[Integration]:
    """Return the live-agent connections of a connection's environment: any may take a channel."""
    rows = Integration.objects.filter(project=of.project, environment=of.environment)
    in_use = rows.exclude(status=Integration.Status.NOT_CONNECTED).order_by("integration_key")
    return [row for row in in_use if manifest_get(row.connector_key).takes_live_chats]


@transaction.atomic
def channel_takers_set(*, of: Integration, channel: str, chosen: Iterable[int], actor: Any) -> None:
    """Map a channel to the connections chosen by id, and to no other."""
    ids = set(chosen)
    for row in channel_takers(of):
        row.lock("behaviour")
        others = [name for name in channels_of(row) if name != channel]
        taken = [*others, channel] if row.pk in ids else others
        integration_channels_set(integration=row, channels=taken, actor=actor)


@transaction.atomic
def integration_channels_set(
    *, integration: Integration, channels: Iterable[str], actor: Any
) -> None:
    """Map channels to an integration, and to no other that is not ticked too."""
    integration.lock("behaviour")
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
