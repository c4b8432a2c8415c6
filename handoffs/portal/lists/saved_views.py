"""Views of a list that members keep under a name, for themselves or for all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.pages import PAGES, ListPage
from integrations.models import Area, Project, SavedView
from integrations.projects.access import may_edit, project_view
from integrations.projects.audit import audit_record

VIEWS_MAX = 50


def saved_views(request: HttpRequest, project: Project, page: str) -> list[SavedView]:
    """Return a member's own views of a list and those that are shared, in one statement."""
    seen = Q(owner=request.user) | Q(is_shared=True)
    rows = list(SavedView.objects.filter(seen, project=project, page=page)[: VIEWS_MAX * 4])
    for row in rows:
        row.is_removable = _may_remove(request, row)  # type: ignore[attr-defined]
    return rows


def view_save(
    *, project: Project, page: ListPage, name: str, query: str, is_shared: bool, owner: Any
) -> SavedView:
    """Keep the filters of an address under a name; the same name of the same member is replaced.

    Raises ValidationError for a name that cannot be one, and where there are too many.
    """
    name = " ".join(name.replace("\x00", "").split())[:60]
    if not name:
        raise ValidationError("Give the view a name.")
    mine = SavedView.objects.filter(project=project, page=page.name, owner=owner)
    if mine.exclude(name=name).count() >= VIEWS_MAX:
        raise ValidationError(f"A member keeps {VIEWS_MAX} views of a list.")
    try:
        kept = page.plain_query(project, query)
    except QueryError as problem:
        raise ValidationError(str(problem)) from problem
    with transaction.atomic():
        row, _ = SavedView.objects.update_or_create(
            project=project,
            page=page.name,
            owner=owner,
            name=name,
            defaults={"query": kept, "is_shared": is_shared},
        )
        if is_shared:
            _audit(row, owner, "list_view.shared")
    return row


def _audit(row: SavedView, actor: Any, action: str) -> None:
    audit_record(project=row.project, actor=actor, action=action, subject=f"{row.page}: {row.name}")


@require_POST
@project_view(Area.CONVERSATIONS, to_change=False)
def saved_view_add(request: HttpRequest, project: Project, page: str) -> HttpResponse:
    """Keep what is shown; sharing it needs Edit."""
    list_page = page_named(page)
    try:
        row = view_save(
            project=project,
            page=list_page,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            is_shared=bool(request.POST.get("is_shared")) and may_edit(request, Area.CONVERSATIONS),
            owner=request.user,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(list_address(project, list_page.name))
    messages.success(request, f"Kept as {row.name}.")
    return redirect(list_address(project, list_page.name, row.query))


@require_POST
@project_view(Area.CONVERSATIONS, to_change=False)
def saved_view_remove(request: HttpRequest, project: Project, view_id: int) -> HttpResponse:
    """Remove one's own view, or as an editor one that is shared."""
    row = get_object_or_404(SavedView, project=project, pk=view_id)
    if row.owner_id != request.user.pk and not row.is_shared:
        raise Http404("No such view.")
    if not _may_remove(request, row):
        messages.error(request, "Only who made it, or who may edit Conversations, removes it.")
        return redirect(list_address(project, row.page))
    with transaction.atomic():
        if row.is_shared:
            _audit(row, request.user, "list_view.removed")
        row.delete()
    messages.success(request, f"Removed {row.name}.")
    return redirect(list_address(project, row.page))


def _may_remove(request: HttpRequest, row: SavedView) -> bool:
    return row.owner_id == request.user.pk or may_edit(request, Area.CONVERSATIONS)


def page_named(name: str) -> ListPage:
    """Return a list by its name; raises Http404."""
    if name not in PAGES:
        raise Http404("There is no such list.")
    return PAGES[name]


def list_address(project: Project, page: str, query: str = "") -> str:
    """Return where a list with these filters stands."""
    path = reverse(page, args=[project.public_id])
    return urlsplit(path)._replace(query=query).geturl()
