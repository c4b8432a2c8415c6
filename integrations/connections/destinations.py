"""Find the integration that a handoff goes to; never one of another environment."""

from __future__ import annotations

from django.db.models import QuerySet

from integrations.behaviour.channels import channels_of
from integrations.contract.registry import manifest_get
from integrations.models import Integration, Project


def integration_for_key(
    project: Project, environment: str, integration_key: str, credential_set: str = "default"
) -> Integration | None:
    """Return the usable integration of this key, or None."""
    return (
        _usable(project, environment)
        .filter(integration_key=integration_key, credential_set=credential_set)
        .first()
    )


def integration_default(
    project: Project, environment: str, channel: str = "webchat"
) -> Integration | None:
    """Return where a handoff of this channel goes that names no integration, or None.

    Those the channel is mapped to are asked first; the default one decides among several.
    """
    rows = _usable(project, environment).order_by("-is_default")
    found = [row for row in rows if manifest_get(row.connector_key).takes_live_chats]
    candidates = [row for row in found if channel in channels_of(row)] or found
    if len(candidates) == 1 or (candidates and candidates[0].is_default):
        return candidates[0]
    return None


def integration_keys(project: Project, environment: str) -> set[str]:
    """Return the keys of the usable integrations of an environment."""
    return set(_usable(project, environment).values_list("integration_key", flat=True))


def live_chat_names(project: Project, environment: str) -> list[str]:
    """Return what the usable connections are called that a live chat could go to."""
    rows = _usable(project, environment).order_by("pk")
    return [_title(row) for row in rows if manifest_get(row.connector_key).takes_live_chats]


def integrations_by_name(integration: Integration, field: str) -> dict[str, Integration]:
    """Return the usable connections of the same integration key by what that field holds."""
    rows = _usable(integration.project, integration.environment)
    found = rows.filter(integration_key=integration.integration_key).order_by("-pk")
    return {row.credentials.get(field, ""): row for row in found}


def fallback_name(integration: Integration) -> str:
    """Return how the behaviour of another integration names this one as its fallback."""
    return f"{integration.integration_key}/{integration.credential_set}"


def fallback_choices(integration: Integration) -> list[tuple[str, str]]:
    """Return name and title of what an integration may fall back to."""
    others = _usable(integration.project, integration.environment).exclude(pk=integration.pk)
    return [(fallback_name(other), _title(other)) for other in others.order_by("pk")]


def integration_fallback(integration: Integration, name: str) -> Integration | None:
    """Return the usable integration of that name beside this one, or None."""
    key, _, credential_set = name.partition("/")
    others = _usable(integration.project, integration.environment).exclude(pk=integration.pk)
    return others.filter(integration_key=key, credential_set=credential_set).first()


def _title(integration: Integration) -> str:
    name = manifest_get(integration.connector_key).name
    is_plain = integration.credential_set == "default"
    return name if is_plain else f"{name} ({integration.credential_set})"


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
