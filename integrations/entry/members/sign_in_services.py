"""How members of a workspace prove who they are: its rules, and help for who is locked out."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from integrations.entry.lockout import unlock
from integrations.entry.second_factor.services import factors_reset
from integrations.entry.sessions.looking_again import sockets_look_again
from integrations.entry.sessions.services import sessions_end_all
from integrations.models import Membership, Workspace
from integrations.projects.audit import audit_record

IDLE_MAX = 7 * 24 * 60


@transaction.atomic
def sign_in_rules_set(
    *, workspace: Workspace, requires_second_factor: bool, idle_minutes: int, actor: Any
) -> list[str]:
    """Set what the workspace asks of its members; return what changed."""
    row = Workspace.objects.select_for_update().get(pk=workspace.pk)
    wanted = {"requires_second_factor": requires_second_factor, "idle_minutes": idle_minutes}
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if changed:
        Workspace.objects.filter(pk=row.pk).update(**wanted)
        sockets_look_again(row.members.values_list("user_id", flat=True))
        audit_record(
            project=None,
            workspace=row,
            actor=actor,
            action="sign_in.rules_changed",
            subject=row.name,
            fields=changed,
        )
    return changed


def member_factor_reset(*, membership: Membership, actor: Any) -> bool:
    """Take a member's lost factor away and sign them out; raises PermissionDenied.

    The account may be a member elsewhere too: only who is an admin there as well may open it.
    """
    _refuse_foreign_account(membership.user, actor)
    if not factors_reset(user=membership.user, actor=actor):
        return False
    sessions_end_all(user=membership.user, actor=actor)
    return True


def member_unlock(*, membership: Membership, actor: Any) -> bool:
    """Let a member try again who was locked out by wrong passwords; say if it could be done."""
    if not unlock(membership.user):
        return False
    audit_record(
        project=None,
        workspace=membership.workspace,
        actor=actor,
        action="sign_in.unlocked",
        subject=membership.user.get_username(),
    )
    return True


def _refuse_foreign_account(user: Any, actor: Any) -> None:
    own = Membership.objects.filter(user=actor, is_admin=True).values("workspace")
    elsewhere = Membership.objects.filter(user=user).exclude(workspace__in=own).exists()
    if not actor.is_superuser and (elsewhere or user.is_staff or user.is_superuser):
        raise PermissionDenied(
            "This account reaches further than your own workspaces: only the operator of this "
            f"installation can reset it, with manage.py reset_second_factor {user.get_username()}."
        )
