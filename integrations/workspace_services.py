"""Makes workspaces and members, and sets what a project says: what operators do by command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from integrations.audit import audit_record
from integrations.models import Access, Membership, Project, Workspace

PROJECT_FIELDS = ("agent_name", "greeting", "no_match_text", "handoff_api")


def workspace_create(*, slug: str, name: str) -> Workspace:
    """Make a workspace, or return the one of that slug as it is."""
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def member_set(
    *, workspace: Workspace, user: Any, is_admin: bool, areas: Mapping[str, Access]
) -> Membership:
    """Give a user these rights in a workspace, in place of earlier ones."""
    rights = {"is_admin": is_admin, "areas": {area: int(access) for area, access in areas.items()}}
    return Membership.objects.update_or_create(workspace=workspace, user=user, defaults=rights)[0]


@transaction.atomic
def project_set(project: Project, values: Mapping[str, Any]) -> None:
    """Set some of PROJECT_FIELDS."""
    changed = [name for name in PROJECT_FIELDS if name in values]
    for name in changed:
        setattr(project, name, values[name])
    project.save(update_fields=changed)
    audit_record(
        project=project, actor=None, action="project.changed", subject=project.name, fields=changed
    )
