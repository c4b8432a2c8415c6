"""Where a member lands: a project's home with its first steps, and all projects in one list."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from handoffs.portal.overview.first_steps import first_steps, first_steps_dismiss, is_dismissed
from handoffs.portal.overview.glance import glance
from handoffs.portal.overview.menu_counts import open_and_red
from integrations.models import Access, Area, Membership, Project
from integrations.projects.access import membership_of, project_view, projects_of
from integrations.projects.frame.switching import project_opened

PROJECTS_MAX = 200


@require_GET
@project_view(Area.INTEGRATIONS, to_read=Access.NONE)
def project_home(request: HttpRequest, project: Project) -> HttpResponse:
    """Show how the project stands, and what to do first."""
    membership = membership_of(request)
    if not any(membership.access(area) for area in Area):
        raise PermissionDenied("This member may enter no area.")
    project_opened(request, project)
    is_away = is_dismissed(project, membership)
    context = {
        "steps": None if is_away else first_steps(project, membership),
        "is_away": is_away,
        "glance": glance(project, membership),
    }
    return render(request, "handoffs/home.html", context)


@require_POST
@project_view(Area.INTEGRATIONS, to_read=Access.NONE, to_change=False)
def first_steps_show(request: HttpRequest, project: Project) -> HttpResponse:
    """Put the first steps away for this member, or bring them back."""
    first_steps_dismiss(
        project, membership_of(request), is_dismissed=request.POST.get("show") != "yes"
    )
    return redirect("project_home", project_id=project.public_id)


@login_required
@require_GET
def projects(request: HttpRequest) -> HttpResponse:
    """List the user's projects with what is open and what needs attention in each."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()
    rows = projects_of(request.user).order_by("workspace__name", "name", "pk")
    if wanted:
        rows = rows.filter(name__icontains=wanted)
    found = list(open_and_red(rows)[: PROJECTS_MAX + 1])
    mine = Membership.objects.filter(user=request.user)  # type: ignore[misc]
    membership = {row.workspace_id: row for row in mine}
    context = {
        "rows": [_row(row, membership[row.workspace_id]) for row in found[:PROJECTS_MAX]],
        "wanted": wanted,
        "is_cut": len(found) > PROJECTS_MAX,
        "may_create": any(row.is_admin for row in membership.values()),
    }
    return render(request, "handoffs/projects.html", context)


def _row(project: Project, membership: Membership) -> dict[str, object]:
    """Return a line of the list; what the member may not look at is left out."""
    sees_handoffs = membership.access(Area.CONVERSATIONS) >= Access.READ
    sees_tiles = membership.access(Area.INTEGRATIONS) >= Access.READ
    return {
        "project": project,
        "open_handoffs": project.open_handoffs if sees_handoffs else None,  # type: ignore[attr-defined]
        "red_tiles": project.red_tiles if sees_tiles else None,  # type: ignore[attr-defined]
    }
