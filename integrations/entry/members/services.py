"""Give, change and take a user's rights in a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from integrations.entry.members.roles import Rights
from integrations.entry.sessions.looking_again import sockets_look_again
from integrations.models import Access, Membership, Workspace
from integrations.projects.audit import audit_record

_LAST_ADMIN = "This is the last admin of the workspace: make another one first."


def member_set(
    *,
    workspace: Workspace,
    user: Any,
    is_admin: bool,
    areas: Mapping[str, Access],
    sees_personal_data: bool = False,
) -> Membership:
    """Give a user these rights in a workspace, in place of earlier ones."""
    rights = Rights(is_admin=is_admin, areas=areas, sees_personal_data=sees_personal_data)
    row = Membership.objects.update_or_create(
        workspace=workspace, user=user, defaults=rights.as_fields()
    )[0]
    sockets_look_again([user.pk])
    return row


@transaction.atomic
def member_change(*, membership: Membership, rights: Rights, actor: Any) -> list[str]:
    """Change a member's rights; return what changed, raise ValidationError for the last admin."""
    workspace = _locked(membership)
    current = Membership.objects.get(pk=membership.pk)
    if current.is_admin and not rights.is_admin and _is_last_admin(workspace, current):
        raise ValidationError(_LAST_ADMIN)
    changed = _differences(current, rights)
    if changed:
        Membership.objects.filter(pk=current.pk).update(**rights.as_fields())
        sockets_look_again([current.user_id])
        audit_record(
            project=None,
            workspace=workspace,
            actor=actor,
            action="member.changed",
            subject=current.user.get_username(),
            fields=changed,
        )
    return changed


@transaction.atomic
def member_remove(*, membership: Membership, actor: Any) -> None:
    """Take a user's rights in a workspace away; raises ValidationError for its last admin."""
    workspace = _locked(membership)
    if membership.is_admin and _is_last_admin(workspace, membership):
        raise ValidationError(_LAST_ADMIN)
    subject = membership.user.get_username()
    membership.delete()
    sockets_look_again([membership.user_id])
    audit_record(
        project=None, workspace=workspace, actor=actor, action="member.removed", subject=subject
    )


def _locked(membership: Membership) -> Workspace:
    return Workspace.objects.select_for_update().get(pk=membership.workspace_id)


def _is_last_admin(workspace: Workspace, membership: Membership) -> bool:
    return not workspace.members.filter(is_admin=True).exclude(pk=membership.pk).exists()


def _differences(current: Membership, rights: Rights) -> list[str]:
    wanted = rights.as_fields()
    plain = ("is_admin", "sees_personal_data")
    changed = [name for name in plain if getattr(current, name) != wanted[name]]
    areas = set(current.areas) | set(wanted["areas"])
    given, asked = current.areas, wanted["areas"]
    return changed + [area for area in areas if given.get(area, 0) != asked.get(area, 0)]
