"""Find the integration that a handoff goes to; never one of another environment."""

from __future__ import annotations

from django.db.models import QuerySet

from integrations.models import Integration, Project
from integrations.registry import manifest


def integration_for_key(
    project: Project, environment: str, integration_key: str, credential_set: str = "default"
) -> Integration | None:
    """Return the usable integration of this key, or None."""
    return (
        _usable(project, environment)
        .filter(integration_key=integration_key, credential_set=credential_set)
        .first()
    )


def integration_default(project: Project, environment: str) -> Integration | None:
    """Return the default integration, or the only one there is, or None."""
    rows = _usable(project, environment).order_by("-is_default")
    found = [row for row in rows if manifest(row.connector_key).takes_live_chats]
    if len(found) == 1 or (found and found[0].is_default):
        return found[0]
    return None


def _usable(project: Project, environment: str) -> QuerySet[Integration]:
    status = [Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION]
    return Integration.objects.filter(project=project, environment=environment, status__in=status)
