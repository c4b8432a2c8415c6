"""Operate > Handoffs: the list with its search, and what it is exported as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.conversations.listing import CHANNELS, SEARCH_FIELDS, SEARCH_PLACEHOLDER
from handoffs.portal.lists.handoff_list import STATE_FILTERS, handoff_row, reason_choices
from handoffs.portal.lists.pages import list_export
from handoffs.portal.lists.shown import list_shown
from handoffs.portal.one_handoff.entering import handoffs_enter
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS
from integrations.contract.integration_keys import vendor_choices
from integrations.models import Environment, Project
from integrations.projects.lists.bar import choice, period_fields, text


@login_required
@require_GET
def handoffs(request: HttpRequest, project_id: str) -> HttpResponse:
    """List the project's handoffs, newest first."""
    project, sees_all = handoffs_enter(request, project_id)
    context = list_shown(request, project, "handoffs", shows_people=sees_all)
    now = timezone.now()
    rows = [handoff_row(handoff, project=project, now=now) for handoff in context["found"]]
    context |= {"rows": rows, **_choices(project, context["given"])}
    return render(request, "handoffs/handoffs.html", context)


@login_required
@require_GET
def handoffs_export(request: HttpRequest, project_id: str) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    project, shows_people = handoffs_enter(request, project_id)
    return list_export(request, project, "handoffs", shows_people=shows_people)


def _choices(project: Project, given: Mapping[str, str]) -> dict[str, Any]:
    reasons = reason_choices(project)
    fields = [
        choice(given, "state", "State", STATE_FILTERS, "All states"),
        choice(given, "outcome", "Outcome", OUTCOME_LABELS.items(), "All outcomes"),
        *period_fields(given, "Asked for"),
        choice(given, "environment", "Environment", Environment.choices, "All environments"),
        choice(given, "channel", "Channel", CHANNELS.items(), "All channels"),
        choice(given, "vendor", "Vendor", vendor_choices(), "All vendors"),
        choice(given, "reason", "Reason", reasons, "All reasons")
        if reasons
        else text(given, "reason", "Reason"),
        text(given, "queue", "Queue"),
        text(given, "topic", "Topic"),
        text(given, "agent", "Live agent"),
        text(given, "code", "Error code"),
    ]
    if given.get("conversation"):
        fields.append(text(given, "conversation", "Conversation"))
    return {
        "filter_fields": fields,
        "search_placeholder": SEARCH_PLACEHOLDER,
        "search_help": "The whole conversation of a handoff is looked through.",
        "search_fields": SEARCH_FIELDS,
    }
