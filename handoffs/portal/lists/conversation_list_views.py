"""Operate > Conversations: the list with its search, and what it is exported as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.conversations.listing import (
    CHANNELS,
    OUTCOMES,
    SEARCH_FIELDS,
    SEARCH_PLACEHOLDER,
    conversation_row,
)
from handoffs.portal.lists.pages import list_export
from handoffs.portal.lists.shown import list_shown
from integrations.contract.integration_keys import vendor_choices
from integrations.models import Area, Environment, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.lists.bar import choice, period_fields, text


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's conversations, newest first."""
    sees_all = may_see_personal_data(request)
    context = list_shown(request, project, "conversations", shows_people=sees_all)
    now = timezone.now()
    rows = [conversation_row(row, sees_personal_data=sees_all, now=now) for row in context["found"]]
    context |= {
        "rows": rows,
        "sees_personal_data": sees_all,
        **_choices(context["given"]),
    }
    return render(request, "handoffs/conversations.html", context)


@require_GET
@project_view(Area.CONVERSATIONS)
def conversations_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    shows_people = may_see_personal_data(request)
    return list_export(request, project, "conversations", shows_people=shows_people)


def _choices(given: Mapping[str, str]) -> dict[str, Any]:
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
        "search_placeholder": SEARCH_PLACEHOLDER,
        "search_help": "Everything that was said is looked through.",
        "search_fields": SEARCH_FIELDS,
    }
