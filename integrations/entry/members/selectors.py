"""Whom to ask for access."""

from __future__ import annotations

from integrations.models import Membership
from integrations.projects.access import some_admins


def installation_admins() -> list[str]:
    """Return a few admins of whatever workspace, by their names."""
    users = some_admins(Membership.objects.all())
    return [user.get_full_name() or user.get_username() for user in users]
