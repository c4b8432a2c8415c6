"""Find the member that an address means, and refuse decisions about admins."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from integrations.models import Membership, Project
from integrations.projects.access import membership_of


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
        raise PermissionDenied("Only an admin of the workspace decides about its admins.")
