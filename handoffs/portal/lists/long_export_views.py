"""Ask for a long export, and take it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.long_exports import export_ask
from handoffs.portal.lists.pages import list_address, list_enter
from integrations.entry.account.confirming import asked_before_export
from integrations.models import ListExport
from integrations.projects.access import may_see_personal_data
from integrations.projects.lists.export import FORMATS

WAITING_MAX = 5
SHOWN_MAX = 50


@require_POST
@login_required
def list_export_start(request: HttpRequest, project_id: str, page: str) -> HttpResponse:
    """Ask for the list as a file; a task writes it."""
    project, list_page = list_enter(request, project_id, page)
    query, form = request.POST.get("query", ""), request.POST.get("format", "")
    back = list_address(project, list_page.name, query[:4000])
    try:
        kept = list_page.plain_query(project, query)
    except QueryError as problem:
        messages.error(request, str(problem))
        return redirect(back)
    mine = ListExport.objects.filter(project=project, member=request.user)  # type: ignore[misc]
    if mine.filter(state=ListExport.State.WAITING).count() >= WAITING_MAX:
        messages.error(request, "Five exports of yours are being written; wait for one of them.")
        return redirect(back)
    export = ListExport(
        project=project,
        member=request.user,  # type: ignore[misc]
        page=list_page.name,
        form=form if form in FORMATS else "csv",
        query=kept,
        shows_people=may_see_personal_data(request),
    )
    export_ask(export, actor=request.user)
    messages.success(request, "The export is being written. Its link appears here.")
    return redirect("list_exports", project_id=project.public_id)


@require_GET
@login_required
def list_exports(request: HttpRequest, project_id: str) -> HttpResponse:
    """Show a member's own exports, to whoever may read one of the lists."""
    try:
        project, _ = list_enter(request, project_id, "conversations")
    except PermissionDenied:
        project, _ = list_enter(request, project_id, "audit")
    rows = ListExport.objects.filter(project=project, member=request.user)  # type: ignore[misc]
    context = {"exports": list(rows[:SHOWN_MAX])}
    return render(request, "handoffs/list_exports.html", context)


@require_GET
@login_required
def list_export_file(
    request: HttpRequest, project_id: str, export_id: uuid.UUID
) -> HttpResponseBase:
    """Give the file to the member who asked for it; 404 for anybody else, and when it is old."""
    export = get_object_or_404(
        ListExport,
        pk=export_id,
        project__public_id=project_id,
        member=request.user,
        state=ListExport.State.READY,
        expires_at__gt=timezone.now(),
    )
    list_enter(request, project_id, export.page)
    if export.shows_people and not may_see_personal_data(request):
        raise Http404("It holds what you may no longer see.")
    names_people = export.shows_people or export.page == "audit"
    if names_people and (asked := asked_before_export(request)):
        return asked
    try:
        content = export.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        content,
        as_attachment=True,
        filename=f"{export.page}.{export.form}",
        content_type=FORMATS[export.form],
    )
    response["Cache-Control"] = "no-store"
    return response
