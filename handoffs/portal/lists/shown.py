"""What every list shows beside its own rows: count, chips, views, and what it took no notice of."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.keeping import views_kept
from handoffs.portal.lists.pages import PAGES
from integrations.models import Project
from integrations.projects.access import may_edit
from integrations.projects.frame.address import ignore
from integrations.projects.lists.filters import SEARCH_MAX, asked_unused
from integrations.projects.lists.paging import cursor_is_good, keyset_page


def list_shown(
    request: HttpRequest, project: Project, name: str, *, shows_people: bool
) -> dict[str, Any]:
    """Return the context of a list; `found` are the rows of its page.

    A search that cannot be read is shown as it was typed, with its cure and without rows.
    """
    page = PAGES[name]
    about = {"list_page": page, "may_share": may_edit(request, page.area)}
    asked = request.GET.dict()
    try:
        wanted = page.read(asked, project.zone)
    except QueryError as problem:
        given = {"q": asked.get("q", "")[:SEARCH_MAX]}
        return about | {"problem": str(problem), "given": given, "found": [], "chips": []}
    rows = page.rows(project, wanted, shows_people)
    cursor = asked.get("page", "")
    shown = keyset_page(rows, by=page.by, cursor=cursor)
    chips = page.chips(wanted, project)
    ignore(request, *asked_unused(asked, wanted.given))
    if cursor and not cursor_is_good(cursor):
        ignore(request, "There is no such page of the list: it begins with the newest.")
    return about | {
        "found": shown.rows,
        "page": shown,
        "count": page.count(project, wanted, shown, shows_people=shows_people),
        "wanted": wanted,
        "given": wanted.given,
        "chips": chips,
        "query": urlencode(wanted.query),
        "saved_views": views_kept(request, project, page),
        "narrowest": None
        if shown.rows
        else page.narrowest(project, chips, shows_people=shows_people),
    }
