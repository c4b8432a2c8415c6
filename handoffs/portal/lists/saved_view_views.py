"""Keep a list's filters under a name, and remove them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from handoffs.portal.lists.keeping import may_remove, view_remove, view_save
from handoffs.portal.lists.pages import list_address, list_enter
from integrations.models import SavedView
from integrations.projects.access import may_edit


@require_POST
@login_required
def saved_view_add(request: HttpRequest, project_id: str, page: str) -> HttpResponse:
    """Keep what is shown; sharing it needs Edit."""
    project, list_page = list_enter(request, project_id, page)
    try:
        row = view_save(
            project=project,
            page=list_page,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            is_shared=bool(request.POST.get("is_shared")) and may_edit(request, list_page.area),
            owner=request.user,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(list_address(project, list_page.name))
    messages.success(request, f"Kept as {row.name}.")
    return redirect(list_address(project, list_page.name, row.query))


@require_POST
@login_required
def saved_view_remove(request: HttpRequest, project_id: str, view_id: int) -> HttpResponse:
    """Remove one's own view, or as an editor one that is shared."""
    row = get_object_or_404(SavedView, project__public_id=project_id, pk=view_id)
    project, list_page = list_enter(request, project_id, row.page)
    if row.owner_id != request.user.pk and not row.is_shared:
        raise Http404("No such view.")
    if not may_remove(request, row):
        messages.error(
            request, f"Only who made it, or who may edit {list_page.area.label}, removes it."
        )
        return redirect(list_address(project, row.page))
    view_remove(row, actor=request.user)
    messages.success(request, f"Removed {row.name}.")
    return redirect(list_address(project, row.page))
