"""Operate > Conversations: the list with its search, and what it is exported as."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.conversations.exporting import export_columns, exported_rows
from handoffs.portal.conversations.listing import (
    CHANNELS,
    OUTCOMES,
    SEARCH_FIELDS,
    ConversationFilter,
    conversation_list,
    conversation_row,
    filter_chips,
)
from handoffs.portal.conversations.search_query import QueryError
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.models import Area, Environment, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import export_response
from integrations.projects.lists.filters import PERIODS
from integrations.projects.lists.paging import COUNTED_MAX, count_to, keyset_page


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's conversations, newest first."""
    sees_all = may_see_personal_data(request)
    try:
        wanted = ConversationFilter.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        return render(request, "handoffs/conversations.html", _unread(request, str(problem)))
    found = conversation_list(project, wanted, sees_personal_data=sees_all)
    page = keyset_page(found, by="started_at", cursor=request.GET.get("page", ""))
    now = timezone.now()
    context = {
        "rows": [conversation_row(row, sees_personal_data=sees_all, now=now) for row in page.rows],
        "page": page,
        "count": count_to(found),
        "wanted": wanted,
        "given": wanted.given,
        "chips": filter_chips(wanted),
        "query": urlencode(wanted.query),
        "sees_personal_data": sees_all,
        **_choices(),
    }
    return render(request, "handoffs/conversations.html", context)


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    sees_all = may_see_personal_data(request)
    try:
        wanted = ConversationFilter.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain; charset=utf-8")
    found = conversation_list(project, wanted, sees_personal_data=sees_all)
    audit_record(
        project=project,
        actor=request.user,
        action="conversations.exported",
        subject=f"{count_to(found)} conversations",
        fields=wanted.query,
    )
    return export_response(
        request,
        "conversations",
        request.GET.get("format", ""),
        export_columns(sees_personal_data=sees_all),
        exported_rows(found, project),
    )


def _unread(request: HttpRequest, problem: str) -> dict[str, Any]:
    """Return the page of a search that cannot be read: the box as it was typed, and the cure."""
    given = {"q": request.GET.get("q", "")[:200]}
    return {"problem": problem, "given": given, "rows": [], "chips": [], **_choices()}


def _choices() -> dict[str, Any]:
    return {
        "periods": [(name, label) for name, (label, _) in PERIODS.items()],
        "environments": Environment.choices,
        "channels": CHANNELS.items(),
        "outcomes": OUTCOMES.items(),
        "vendors": [(key, vendor_name(key)) for key in payload_keys()],
        "search_fields": SEARCH_FIELDS,
        "exported_max": f"{COUNTED_MAX:,}",
    }
