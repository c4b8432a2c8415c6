"""Who may enter the pages about handoffs, and what they may read there."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from integrations.models import Access, Area, Project
from integrations.projects.access import may_see_personal_data, project_for


def handoffs_enter(request: HttpRequest, project_id: str) -> tuple[Project, bool]:
    """Return the project, and whether the member may read what was said.

    Those who look after integrations see the timeline too, without what people wrote.
    """
    try:
        project = project_for(request, project_id, Area.CONVERSATIONS, Access.READ)
    except PermissionDenied:
        return project_for(request, project_id, Area.INTEGRATIONS, Access.READ), False
    return project, may_see_personal_data(request)
