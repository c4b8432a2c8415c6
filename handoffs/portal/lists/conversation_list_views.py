"""Operate > Conversations: the list with its search, and what it is exported as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

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
from handoffs.portal.lists.keeping import saved_views
from handoffs.portal.lists.pages import PAGES, list_export
from integrations.contract.integration_keys import vendor_choices
from integrations.models import Area, Environment, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.lists.bar import choice, period_fields, text
from integrations.projects.lists.paging import keyset_page, page_count


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's conversations, newest first."""
    sees_all = may_see_personal_data(request)
    try:
        wanted = ConversationFilter.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        return render(
            request, "handoffs/conversations.html", _unread(request, project, str(problem))
        )
    found = conversation_list(project, wanted, sees_personal_data=sees_all)
    page = keyset_page(found, by="started_at", cursor=request.GET.get("page", ""))
    now = timezone.now()
    shown = filter_chips(wanted)
    context = {
        "rows": [conversation_row(row, sees_personal_data=sees_all, now=now) for row in page.rows],
        "page": page,
        "count": page_count(page, found),
        "wanted": wanted,
        "given": wanted.given,
        "chips": shown,
        "query": urlencode(wanted.query),
        "sees_personal_data": sees_all,
        "saved_views": saved_views(request, project, "conversations"),
        "narrowest": None
        if page.rows
        else PAGES["conversations"].narrowest(project, shown, shows_people=sees_all),
        **_choices(project, wanted.given),
    }
    return render(request, "handoffs/conversations.html", context)


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    shows_people = may_see_personal_data(request)
    return list_export(request, project, "conversations", shows_people=shows_people)


def _unread(request: HttpRequest, project: Project, problem: str) -> dict[str, Any]:
    """Return the page of a search that cannot be read: the box as it was typed, and the cure."""
    given = {"q": request.GET.get("q", "")[:200]}
    return {"problem": problem, "given": given, "rows": [], "chips": [], **_choices(project, given)}


def _choices(project: Project, given: Mapping[str, str]) -> dict[str, Any]:
    fields = [
        *period_fields(given, "Started"),
        choice(given, "environment", "Environment", Environment.choices, "All environments"),
        choice(given, "channel", "Channel", CHANNELS.items(), "All channels"),
        choice(given, "outcome", "Outcome", OUTCOMES.items(), "All outcomes"),
        choice(given, "vendor", "Vendor", vendor_choices(), "All vendors"),
        text(given, "topic", "Topic"),
        text(given, "reason", "Reason"),
        text(given, "agent", "Live agent"),
        text(given, "tag", "Tag"),
        text(given, "rating", "Rating", placeholder="<3"),
    ]
    return {
        "filter_fields": fields,
        "search_help": "Everything that was said is looked through.",
        "search_fields": SEARCH_FIELDS,
        "list_page": "conversations",
        "noun": "conversation",
        "zone": project.time_zone,
    }
