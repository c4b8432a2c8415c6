"""Exports too long for one answer: written by a task, taken by the member who asked, for 7 days."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from functools import partial
from itertools import count
from tempfile import NamedTemporaryFile
from typing import Any

from celery import current_app
from django.contrib import messages
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from kombu.exceptions import OperationalError

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.pages import PAGES
from handoffs.portal.lists.saved_views import list_address, page_named
from integrations.models import Area, ListExport, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import FORMATS, export_lines

logger = logging.getLogger(__name__)
TASK = "handoffs.tasks.export_list"
ROWS_MAX = 200_000
GOOD_FOR = timedelta(days=7)
# A worker that has died holds an export no longer than this.
BUSY_FOR = timedelta(minutes=5)
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
    _ask(export, actor=request.user)
    messages.success(request, "The export is being written. Its link appears here.")
    return redirect("list_exports", project_id=project.public_id)


@transaction.atomic
def _ask(export: ListExport, *, actor: Any) -> None:
    export.save()
    audit_record(
        project=export.project,
        actor=actor,
        action=f"{export.page}.exported",
        subject=f"up to {ROWS_MAX:,} {export.page}, by a task",
        fields=[one.partition("=")[0] for one in export.query.split("&") if one],
    )
    transaction.on_commit(partial(export_queue, export.pk))


def export_queue(export_id: uuid.UUID) -> None:
    """Ask a worker; where that is lost, the clock finds it."""
    try:
        current_app.send_task(TASK, args=[str(export_id)], retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the clock will: %s (%s)", TASK, type(error).__name__)


def exports_waiting() -> list[uuid.UUID]:
    """Return those that nobody is writing."""
    rows = ListExport.objects.filter(_unclaimed(), state=ListExport.State.WAITING)
    return list(rows.order_by("requested_at").values_list("pk", flat=True)[:20])


def _unclaimed() -> Q:
    return Q(busy_until=None) | Q(busy_until__lt=timezone.now())


def export_run(export_id: uuid.UUID | str) -> None:
    """Write one export; whoever comes second finds it claimed."""
    rows = ListExport.objects.filter(_unclaimed(), pk=export_id, state=ListExport.State.WAITING)
    if not rows.update(busy_until=timezone.now() + BUSY_FOR):
        return
    export = ListExport.objects.select_related("project").get(pk=export_id)
    page = PAGES[export.page]
    found = page.found(export.project, export.query, shows_people=export.shows_people)
    counted = count()
    exported = (
        row | {"_": next(counted)} for row in page.exported(found, export.project, ROWS_MAX)
    )
    columns = page.columns(export.shows_people)
    with NamedTemporaryFile("w+", encoding="utf-8", newline="") as written:
        written.writelines(export_lines(export.form, columns, exported))
        written.flush()
        with open(written.name, "rb") as content:
            export.file.save("", File(content), save=False)
    export.state, export.rows = ListExport.State.READY, next(counted)
    export.ready_at = timezone.now()
    export.expires_at = export.ready_at + GOOD_FOR
    export.save(update_fields=["file", "state", "rows", "ready_at", "expires_at"])


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


def exports_remove(rows: Any) -> int:
    """Delete exports with their files; return how many."""
    found = list(rows)
    for export in found:
        if export.file:
            export.file.delete(save=False)
        export.delete()
    return len(found)


def exports_clean_up() -> int:
    """Delete those whose time is over."""
    return exports_remove(ListExport.objects.filter(expires_at__lte=timezone.now())[:500])
