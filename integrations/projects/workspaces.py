"""Makes workspaces and members: what operators do by command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.models import Access, Membership, Workspace


def workspace_create(*, slug: str, name: str) -> Workspace:
    """Make a workspace, or return the one of that slug as it is."""
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def member_set(
    *, workspace: Workspace, user: Any, is_admin: bool, areas: Mapping[str, Access]
) -> Membership:
    """Give a user these rights in a workspace, in place of earlier ones."""
    rights = {"is_admin": is_admin, "areas": {area: int(access) for area, access in areas.items()}}
    return Membership.objects.update_or_create(workspace=workspace, user=user, defaults=rights)[0]
