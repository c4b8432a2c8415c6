"""The only writers of projects."""

from __future__ import annotations

from django.db import transaction
from django.utils.text import slugify

from integrations.models import Project, Workspace


@transaction.atomic
def project_create(*, workspace: Workspace, name: str) -> Project:
    """Make a project with a slug that is free in its workspace."""
    stem = slugify(name)[:40] or "project"
    taken = set(workspace.projects.values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    slug = stem if stem not in taken else next(s for s in numbered if s not in taken)
    return Project.objects.create(workspace=workspace, name=name, slug=slug)
