"""Operate > Handoffs: the list with its search, and what it is exported as."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.conversations.listing import CHANNELS, SEARCH_FIELDS
from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.handoff_list import (
    COLUMNS,
    STATE_FILTERS,
    HandoffFilter,
    exported_handoffs,
    handoff_chips,
    handoff_list,
    handoff_row,
    reason_choices,
)
from handoffs.portal.one_handoff.entering import handoffs_enter
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.models import Environment, Project
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import export_response
from integrations.projects.lists.filters import PERIODS
from integrations.projects.lists.paging import COUNTED_MAX, count_to, keyset_page


@login_required
@require_GET
def handoffs(request: HttpRequest, project_id: str) -> HttpResponse:
    """List the project's handoffs, newest first."""
    project, sees_all = handoffs_enter(request, project_id)
    try:
        wanted = HandoffFilter.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        given = {"q": request.GET.get("q", "")[:200]}
        context = {"problem": str(problem), "given": given, "rows": [], **_choices(project)}
        return render(request, "handoffs/handoffs.html", context)
    found = handoff_list(project=project, wanted=wanted, sees_personal_data=sees_all)
    page = keyset_page(found, by="requested_at", cursor=request.GET.get("page", ""))
    now = timezone.now()
    context = {
        "rows": [handoff_row(handoff, project=project, now=now) for handoff in page.rows],
        "page": page,
        "count": count_to(found),
        "wanted": wanted,
        "given": wanted.given,
        "chips": handoff_chips(wanted, project),
        "query": urlencode(wanted.query),
        **_choices(project),
    }
    return render(request, "handoffs/handoffs.html", context)


@login_required
@require_GET
def handoffs_export(request: HttpRequest, project_id: str) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    project, sees_all = handoffs_enter(request, project_id)
    try:
        wanted = HandoffFilter.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain; charset=utf-8")
    found = handoff_list(project=project, wanted=wanted, sees_personal_data=sees_all)
    audit_record(
        project=project,
        actor=request.user,
        action="handoffs.exported",
        subject=f"{count_to(found)} handoffs",
        fields=wanted.query,
    )
    rows = exported_handoffs(found, project)
    return export_response(request, "handoffs", request.GET.get("format", ""), COLUMNS, rows)


def _choices(project: Project) -> dict[str, Any]:
    return {
        "states": STATE_FILTERS,
        "outcomes": OUTCOME_LABELS.items(),
        "periods": [(name, label) for name, (label, _) in PERIODS.items()],
        "environments": Environment.choices,
        "channels": CHANNELS.items(),
        "vendors": [(key, vendor_name(key)) for key in payload_keys()],
        "reasons": reason_choices(project),
        "search_fields": SEARCH_FIELDS,
        "exported_max": f"{COUNTED_MAX:,}",
    }
