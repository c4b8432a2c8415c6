"""Find the member that an address means, and refuse what somebody may not decide."""

from __future__ import annotations

from typing import NoReturn

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from integrations.models import Membership, Project
from integrations.projects.access import membership_of
from integrations.projects.audit import audit_record


def member_in(project: Project, member_id: int) -> Membership:
    """Return a member of the project's workspace; raises Http404."""
    rows = Membership.objects.filter(workspace=project.workspace).select_related("user")
    row = rows.filter(pk=member_id).first()
    if row is None:
        raise Http404("No such member.")
    return row


def refuse_over_admins(request: HttpRequest, row: Membership) -> None:
    """Only an admin decides about admins; raises PermissionDenied."""
    if row.is_admin and not membership_of(request).is_admin:
        subject = row.user.get_username()
        deny(request, subject, "over_admin", "Only an admin of the workspace decides about admins.")


def deny(request: HttpRequest, subject: str, rule: str, why: str) -> NoReturn:
    """Refuse a decision about members, and note it; raises PermissionDenied."""
    refusal_note(request, subject, rule)
    raise PermissionDenied(why)


def refusal_note(request: HttpRequest, subject: str, rule: str) -> None:
    """Write down who was refused to decide about whom, and by which rule."""
    audit_record(
        project=None,
        workspace=membership_of(request).workspace,
        actor=request.user,
        action="member.refused",
        subject=subject,
        fields=[rule],
    )
