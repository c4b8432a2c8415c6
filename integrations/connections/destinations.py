"""Find the integration that a handoff goes to; never one of another environment."""

from __future__ import annotations

from django.db.models import QuerySet

from integrations.behaviour.channels import channels_of
from integrations.contract.registry import manifest_get
from integrations.models import Integration, Project
from integrations.models.connection_name import DEFAULT_SET, EVERY_VARIANT


def integration_for_key(
    project: Project, environment: str, integration_key: str, credential_set: str = DEFAULT_SET
) -> Integration | None:
    """Return the usable integration of this key, or None."""
    return (
        _usable(project, environment)
        .filter(integration_key=integration_key, credential_set=credential_set)
        .first()
    )


def credential_set_for(
    project: Project, environment: str, integration_key: str, variant: str = ""
) -> str:
    """Return the set that a handoff uses which names none: its variant's, else that of the rest."""
    rows = Integration.objects.filter(
        project=project, environment=environment, integration_key=integration_key
    ).exclude(status=Integration.Status.NOT_CONNECTED)
    sets = {name: row.credential_set for row in rows for name in row.assigned_to}
    return sets.get(variant) or sets.get(EVERY_VARIANT) or DEFAULT_SET


def credential_set_names(project: Project, environment: str, integration_key: str) -> list[str]:
    """Return the names of the usable sets of this key."""
    rows = _usable(project, environment).filter(integration_key=integration_key)
    return list(rows.order_by("credential_set").values_list("credential_set", flat=True))


def integration_default(
    project: Project, environment: str, channel: str = "webchat"
) -> Integration | None:
    """Return where a handoff of this channel goes that names no integration, or None.

    Those the channel is mapped to are asked first; the default one decides among several.
    """
    candidates = channel_candidates(project, environment, channel)
    if len(candidates) == 1 or (candidates and candidates[0].is_default):
        return candidates[0]
    return None


def channel_candidates(project: Project, environment: str, channel: str) -> list[Integration]:
    """Return the usable connections that a channel is mapped to, or all, the default one first."""
    rows = _usable(project, environment).order_by("-is_default", "pk")
    found = [row for row in rows if manifest_get(row.connector_key).takes_live_chats]
    return [row for row in found if channel in channels_of(row)] or found


def integration_keys(project: Project, environment: str) -> set[str]:
    """Return the keys of the usable integrations of an environment."""
    return set(_usable(project, environment).values_list("integration_key", flat=True))


def offered_destinations(project: Project, environment: str) -> list[Integration]:
    """Return the usable connections that a live chat could go to by key, the default one first."""
    rows = _usable(project, environment)
    found = [
        row
        for row in rows
        if manifest_get(row.connector_key).takes_live_chats
        and row.credential_set == credential_set_for(project, environment, row.integration_key)
    ]
    return sorted(found, key=lambda row: (not row.is_default, row.pk))


def live_chat_names(project: Project, environment: str) -> list[str]:
    """Return what the usable connections are called that a live chat could go to."""
    rows = _usable(project, environment).order_by("pk")
    return [vendor_title(row) for row in rows if manifest_get(row.connector_key).takes_live_chats]


def integrations_by_name(integration: Integration, field: str) -> dict[str, Integration]:
    """Return the usable connections of the same integration key by what that field holds."""
    rows = _usable(integration.project, integration.environment)
    found = rows.filter(integration_key=integration.integration_key).order_by("-pk")
    return {row.credentials.get(field, ""): row for row in found}


def connection_title(integration: Integration) -> str:
    """Return what pages call a connection: its tile, and its set where that has a name."""
    return integration.connection.titled(manifest_get(integration.connector_key).tile)


def vendor_title(integration: Integration) -> str:
    """Return what sentences call a connection: its vendor, and its set where that has a name."""
    return integration.connection.titled(manifest_get(integration.connector_key).name)


def _usable(project: Project, environment: str) -> QuerySet[Integration]:
    status = [Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION]
    return Integration.objects.filter(project=project, environment=environment, status__in=status)


def live_agent_rivals(integration: Integration) -> list[Integration]:
    """Return the other connections of the environment that a live chat could go to."""
    rows = Integration.objects.filter(
        project=integration.project, environment=integration.environment
    ).exclude(pk=integration.pk)
    in_use = rows.exclude(status=Integration.Status.NOT_CONNECTED).order_by("integration_key")
    return [row for row in in_use if manifest_get(row.connector_key).takes_live_chats]
