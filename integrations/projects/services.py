"""Makes workspaces and projects."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.text import slugify

from integrations.models import Project, Workspace
from integrations.projects.audit import audit_record


def workspace_create(*, slug: str, name: str) -> Workspace:
    """Make a workspace, or return the one of that slug as it is."""
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]


@transaction.atomic
def project_create(*, workspace: Workspace, name: str, actor: Any = None) -> Project:
    """Make a project with a slug that is free in its workspace."""
    stem = slugify(name)[:40] or "project"
    taken = set(workspace.projects.values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    slug = stem if stem not in taken else next(s for s in numbered if s not in taken)
    project = Project.objects.create(workspace=workspace, name=name, slug=slug)
    audit_record(project=project, actor=actor, action="project.created", subject=name)
    return project
