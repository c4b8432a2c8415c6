"""Ask for a long export, and take it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.long_exports import export_ask
from handoffs.portal.lists.pages import list_address, page_named
from integrations.models import Area, ListExport, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.lists.export import FORMATS

WAITING_MAX = 5
SHOWN_MAX = 50


@require_POST
@project_view(Area.CONVERSATIONS, to_change=False)
def list_export_start(request: HttpRequest, project: Project, page: str) -> HttpResponse:
    """Ask for the list as a file; a task writes it."""
    list_page = page_named(page)
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
@project_view(Area.CONVERSATIONS)
def list_exports(request: HttpRequest, project: Project) -> HttpResponse:
    """Show a member's own exports."""
    rows = ListExport.objects.filter(project=project, member=request.user)  # type: ignore[misc]
    context = {"exports": list(rows[:SHOWN_MAX])}
    return render(request, "handoffs/list_exports.html", context)


@require_GET
@project_view(Area.CONVERSATIONS)
def list_export_file(request: HttpRequest, project: Project, export_id: uuid.UUID) -> FileResponse:
    """Give the file to the member who asked for it; 404 for anybody else, and when it is old."""
    export = get_object_or_404(
        ListExport,
        pk=export_id,
        project=project,
        member=request.user,
        state=ListExport.State.READY,
        expires_at__gt=timezone.now(),
    )
    if export.shows_people and not may_see_personal_data(request):
        raise Http404("It holds what you may no longer see.")
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
