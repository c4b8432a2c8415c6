"""The integration that is tried when another one cannot take a handoff."""

from __future__ import annotations

from django.db.models import QuerySet

from integrations.contract.registry import carrier_keys, manifest_get
from integrations.models import Integration

_USABLE = (Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION)


def fallback_name(integration: Integration) -> str:
    """Return how the behaviour of another integration names this one as its fallback."""
    return f"{integration.integration_key}/{integration.credential_set}"


def fallback_choices(integration: Integration) -> list[tuple[str, str]]:
    """Return name and title of what an integration may fall back to."""
    return [
        (fallback_name(other), other.connection.titled(manifest_get(other.connector_key).name))
        for other in _others(integration)
        if not manifest_get(other.connector_key).only_for_tools
    ]


def integration_fallback(integration: Integration, name: str) -> Integration | None:
    """Return the usable integration of that name beside this one, or None."""
    key, _, credential_set = name.partition("/")
    others = _others(integration)
    return others.filter(integration_key=key, credential_set=credential_set).first()


def _others(integration: Integration) -> QuerySet[Integration]:
    """Look in the same environment only, as every handoff does."""
    usable = Integration.objects.filter(
        project=integration.project, environment=integration.environment, status__in=_USABLE
    ).exclude(connector_key__in=carrier_keys())
    return usable.exclude(pk=integration.pk).order_by("pk")
