"""Settings > Audit: who changed what, when; to be narrowed, kept as a view and taken as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from handoffs.portal.lists.pages import list_export
from handoffs.portal.lists.shown import list_shown
from integrations.models import Area, Project
from integrations.projects.access import project_view
from integrations.projects.audit_list import GROUPS, action_words
from integrations.projects.lists.bar import choice, period_fields, text


@require_GET
@project_view(Area.AUDIT)
def audit(request: HttpRequest, project: Project) -> HttpResponse:
    """List the entries, newest first."""
    context = list_shown(request, project, "audit", shows_people=True)
    given = context["given"]
    groups = [(name, label) for name, (label, _) in GROUPS.items()]
    context |= {
        "rows": [(entry, action_words(entry.action)) for entry in context["found"]],
        "filter_fields": [
            text(given, "who", "Who", "User name begins with"),
            choice(given, "group", "What", groups, "Everything"),
            text(given, "subject", "To what"),
            *period_fields(given, "When"),
        ],
    }
    return render(request, "handoffs/audit.html", context)


@require_GET
@project_view(Area.AUDIT)
def audit_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file; that it was taken is an entry."""
    return list_export(request, project, "audit", shows_people=True)
