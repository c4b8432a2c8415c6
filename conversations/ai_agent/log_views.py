"""The Log page: what tools wrote, and why a handoff did not happen."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.log_selectors import log_list
from conversations.models import LogEntry
from integrations.models import Area, Project
from integrations.projects.access import may_see_personal_data, project_view

ENTRIES_PER_PAGE = 50
SEARCH_MAX_CHARACTERS = 200


@project_view(Area.CONVERSATIONS)
@require_http_methods(["GET"])
def project_log(request: HttpRequest, project: Project) -> HttpResponse:
    """List log entries, newest first; those with personal data only for members who may edit."""
    level = request.GET.get("level", "")
    level = level if level in LogEntry.Level.values else ""
    search = request.GET.get("q", "").strip()[:SEARCH_MAX_CHARACTERS]
    sees_personal_data = may_see_personal_data(request)
    entries = log_list(
        project=project, level=level, search=search, may_see_personal_data=sees_personal_data
    )
    context = {
        "page": Paginator(entries, ENTRIES_PER_PAGE).get_page(request.GET.get("page")),
        "levels": LogEntry.Level.choices,
        "level": level,
        "search": search,
        "is_filtered": bool(level or search),
        "query": urlencode({"level": level, "q": search}),
        "sees_personal_data": sees_personal_data,
    }
    return render(request, "conversations/log.html", context)
