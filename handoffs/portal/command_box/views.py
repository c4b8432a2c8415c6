"""The command box: a page of its own without script, and what its script asks for."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from handoffs.portal.command_box.finding import TEXT_MAX, find, find_id
from integrations.models import Access, Area, Project
from integrations.projects.access import membership_of, project_view

_view = project_view(Area.INTEGRATIONS, to_read=Access.NONE)


@require_GET
@_view
def find_page(request: HttpRequest, project: Project) -> HttpResponse:
    """List what fits; an id that was pasted whole leads straight to what bears it."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:TEXT_MAX]
    membership = membership_of(request)
    if exact := find_id(project, membership, text):
        return redirect(exact.href)
    context = {"text": text, "found": find(project, membership, text), "text_max": TEXT_MAX}
    return render(request, "handoffs/find.html", context)


@require_GET
@_view
def find_answers(request: HttpRequest, project: Project) -> HttpResponse:
    """Answer with what fits, as the box in the page lists it."""
    found = find(project, membership_of(request), request.GET.get("q", ""))
    response = JsonResponse({"found": [asdict(one) for one in found]})
    response["Cache-Control"] = "no-store"
    return response
