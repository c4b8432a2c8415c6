"""Views of a list that members keep under a name, for themselves or for all."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.pages import PAGES, ListPage
from integrations.models import Project, SavedView
from integrations.projects.access import may_edit
from integrations.projects.audit import audit_record

VIEWS_MAX = 50


def views_kept(request: HttpRequest, project: Project, page: ListPage) -> list[SavedView]:
    """Return a member's own views of a list and those that are shared, in one statement."""
    seen = Q(owner=request.user) | Q(is_shared=True)
    rows = list(SavedView.objects.filter(seen, project=project, page=page.name)[: VIEWS_MAX * 4])
    for row in rows:
        row.is_removable = may_remove(request, row)  # type: ignore[attr-defined]
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


def view_remove(row: SavedView, *, actor: Any) -> None:
    """Remove a view; one that others see too is in the audit."""
    with transaction.atomic():
        if row.is_shared:
            _audit(row, actor, "list_view.removed")
        row.delete()


def may_remove(request: HttpRequest, row: SavedView) -> bool:
    """Say whether a view is the member's own, or theirs to change."""
    return row.owner_id == request.user.pk or may_edit(request, PAGES[row.page].area)
