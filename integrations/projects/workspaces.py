"""Makes workspaces: what operators do by command."""

from __future__ import annotations

from integrations.models import Workspace


def workspace_create(*, slug: str, name: str) -> Workspace:
    """Make a workspace, or return the one of that slug as it is."""
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]
