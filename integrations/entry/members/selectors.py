"""Whom to ask for access."""

from __future__ import annotations

from integrations.models import Membership
from integrations.projects.access import NAMED_ADMINS


def installation_admins() -> list[str]:
    """Return a few admins of whatever workspace, by their names."""
    rows = Membership.objects.filter(is_admin=True, user__is_active=True).select_related("user")
    first = rows.order_by("pk")[: 4 * NAMED_ADMINS]
    named = [row.user.get_full_name() or row.user.get_username() for row in first]
    return [*dict.fromkeys(named)][:NAMED_ADMINS]
