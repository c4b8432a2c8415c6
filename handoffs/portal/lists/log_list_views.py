"""Operate > Log: what tools wrote, and why a handoff did not happen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conversations.models import LogEntry
from handoffs.portal.lists.pages import list_export
from handoffs.portal.lists.shown import list_shown
from integrations.models import Area, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.lists.bar import choice, period_fields, text


@require_GET
@project_view(Area.CONVERSATIONS)
def project_log(request: HttpRequest, project: Project) -> HttpResponse:
    """List log entries, newest first; personal ones for members who may see them."""
    sees_all = may_see_personal_data(request)
    context = list_shown(request, project, "log", shows_people=sees_all)
    given = context["given"]
    context |= {
        "sees_personal_data": sees_all,
        "filter_fields": [
            choice(given, "level", "Level", LogEntry.Level.choices, "All levels"),
            *period_fields(given, "Written"),
            text(given, "source", "Source", "find_order"),
            text(given, "code", "Code", "tool_timeout"),
            text(given, "conversation", "Conversation", "CONV-…"),
        ],
        "search_placeholder": "Words, a tool, a code, a conversation",
    }
    return render(request, "handoffs/log.html", context)


@require_GET
@project_view(Area.CONVERSATIONS)
def project_log_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    shows_people = may_see_personal_data(request)
    return list_export(request, project, "log", shows_people=shows_people)
