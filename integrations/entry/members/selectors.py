"""Whom to ask for access."""

from __future__ import annotations

from integrations.models import Membership, Workspace

_NAMED = 5


def admins_named(workspace: Workspace | None = None) -> list[str]:
    """Return a few admins by their names, of one workspace or of the installation's."""
    rows = Membership.objects.filter(is_admin=True, user__is_active=True).select_related("user")
    if workspace is not None:
        rows = rows.filter(workspace=workspace)
    named = [row.user.get_full_name() or row.user.get_username() for row in rows[: 4 * _NAMED]]
    return [*dict.fromkeys(named)][:_NAMED]
