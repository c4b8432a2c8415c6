"""Operate > Text messages: the numbers, and each text with what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from conversations.sms.selectors import (
    TextView,
    in_view,
    number_views,
    out_view,
    texts_in,
    texts_out,
)
from conversations.sms.threads import sms_channel
from integrations.connections.carriers.reading import carrier_connections
from integrations.models import Area, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.frame.address import asked, page_asked

PER_PAGE = 50
_SENT, _RECEIVED = "sent", "received"


@project_view(Area.CONVERSATIONS)
@require_http_methods(["GET"])
def text_messages(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the numbers and the newest texts, one way or the other."""
    is_shown = may_see_personal_data(request)
    is_received = asked(request, "way", (_SENT, _RECEIVED), _SENT) == _RECEIVED
    rows: QuerySet[Any] = texts_in(project) if is_received else texts_out(project)
    page = page_asked(request, Paginator(rows, PER_PAGE))
    view: Callable[..., TextView] = in_view if is_received else out_view
    context = {
        "numbers": number_views(project),
        "lines": [view(row, is_shown=is_shown) for row in page],
        "page": page,
        "is_received": is_received,
        "is_shown": is_shown,
        "query": f"way={_RECEIVED if is_received else _SENT}",
    }
    return render(request, "conversations/text_messages.html", context)


@project_view(Area.WIDGETS)
@require_POST
def text_survey(request: HttpRequest, project: Project, environment: str) -> HttpResponse:
    """Make the survey of an environment's texts, which may be set before the first text came.

    Where no number is connected there, the page of numbers says what to do.
    """
    connection = carrier_connections(project).filter(environment=environment).first()
    if connection is None:
        return redirect("text_messages", project_id=project.public_id)
    channel = sms_channel(connection)
    return redirect(
        "widget_section", project_id=project.public_id, channel_id=channel.pk, section="survey"
    )
