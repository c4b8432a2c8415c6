"""Operate > Live: a conversation beside the console, for whoever watches."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.conversations.detail_views import (
    conversation_of,
    marks_shown,
    reading_audit,
)
from handoffs.portal.conversations.listing import end_user_label
from handoffs.portal.conversations.reading import reading_get
from handoffs.portal.one_handoff.wording import BADGES, headline
from handoffs.portal.operators import ACT_NOTE_MAX, ACTS
from handoffs.portal.views import handoff_of
from handoffs.states import State
from integrations.models import Area, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view

LINES_SHOWN = 50


@require_GET
@project_view(Area.CONVERSATIONS)
def live_drawer(request: HttpRequest, project: Project, handoff_id: str) -> HttpResponse:
    """Return the newest of a conversation, what can be done, and its notes, for the script."""
    handoff = handoff_of(project, handoff_id)
    row = conversation_of(project, handoff.conversation_id)
    reading_audit(request, row)
    sees_all = may_see_personal_data(request)
    reading = reading_get(row, sees_personal_data=sees_all, lines_max=LINES_SHOWN)
    may_act = handoff.is_open and may_edit(request, Area.CONVERSATIONS)
    context = {
        "handoff": handoff,
        "conversation": row,
        "end_user": end_user_label(row, sees_personal_data=sees_all),
        "badge": BADGES[State(handoff.state)],
        "headline": headline(handoff, now=timezone.now()),
        "lines": reading.lines,
        "earlier": reading.earlier,
        "acts": list(ACTS.items()) if may_act else [],
        "act_note_max": ACT_NOTE_MAX,
        "sees_personal_data": sees_all,
        **marks_shown(request, row),
    }
    response = render(request, "handoffs/live_drawer.html", context)
    response["Cache-Control"] = "no-store"
    return response
