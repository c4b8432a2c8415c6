"""Makes workspaces and members: what operators do by command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from integrations.models import Access, Membership, Workspace
from integrations.projects.audit import audit_record


def workspace_create(*, slug: str, name: str) -> Workspace:
    """Make a workspace, or return the one of that slug as it is."""
    return Workspace.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def member_set(
    *,
    workspace: Workspace,
    user: Any,
    is_admin: bool,
    areas: Mapping[str, Access],
    sees_personal_data: bool = False,
) -> Membership:
    """Give a user these rights in a workspace, in place of earlier ones."""
    rights = {
        "is_admin": is_admin,
        "areas": {area: int(access) for area, access in areas.items()},
        "sees_personal_data": sees_personal_data,
    }
    return Membership.objects.update_or_create(workspace=workspace, user=user, defaults=rights)[0]


@transaction.atomic
def member_remove(*, membership: Membership, actor: Any) -> None:
    """Take a user's rights in a workspace away; raises ValidationError for its last admin."""
    workspace = Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    others = workspace.members.filter(is_admin=True).exclude(pk=membership.pk)
    if membership.is_admin and not others.exists():
        raise ValidationError("This is the last admin of the workspace: make another one first.")
    subject = f"{workspace.slug}: user {membership.user_id}"
    membership.delete()
    audit_record(project=None, actor=actor, action="member.removed", subject=subject)
