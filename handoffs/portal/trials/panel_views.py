"""Build > Test: talk to the draft or an environment, and see how each answer came about."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conversations.errors import ConversationError
from conversations.journal.services import conversations_seen
from conversations.models import Conversation
from conversations.models.conversation import TEST_PANEL
from handoffs.portal.trials.panel import (
    panel_begin,
    panel_conversation,
    panel_handoff,
    panel_lines,
    panel_moments,
    places,
)
from handoffs.responder import HandoffResponder, message_accept
from integrations.models import Access, Area, Project
from integrations.projects.access import project_view

TEXT_MAX = 4000
_view = project_view(Area.KNOWLEDGE, to_read=Access.EDIT)


@_view
@require_http_methods(["GET", "POST"])
def test_panel(request: HttpRequest, project: Project) -> HttpResponse:
    """Offer what can be talked to, and begin a conversation with it."""
    offered = places(project)
    if request.method == "POST":
        where = request.POST.get("where", "")
        if where in dict(offered):
            variant = request.POST.get("variant_id", "")
            made = panel_begin(project, where, variant_id=variant)
            return redirect("test_talk", project_id=project.public_id, conversation_id=made.pk)
        messages.error(request, "Choose what to talk to.")
    context = {"places": offered, "variants": project.variants.all()}
    return render(request, "handoffs/test_panel.html", context)


@_view
@require_http_methods(["GET", "POST"])
def test_talk(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Show a conversation of the panel; a POST says something in it."""
    conversation = _conversation(project, conversation_id)
    if request.method == "POST":
        _say(request, conversation)
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=204)
        return redirect("test_talk", project_id=project.public_id, conversation_id=conversation.pk)
    return render(request, "handoffs/test_talk.html", _context(project, conversation))


@_view
@require_http_methods(["GET"])
def test_talk_live(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Return the part of the page that changes."""
    conversation = _conversation(project, conversation_id)
    conversations_seen([conversation.pk])
    return render(request, "handoffs/test_talk_live.html", _context(project, conversation))


@_view
@require_http_methods(["POST"])
def test_talk_end(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """End a conversation of the panel, also at the vendor."""
    conversation = _conversation(project, conversation_id)
    try:
        HandoffResponder().on_leave(conversation_id=conversation.pk, metadata=None)
    except ConversationError as error:
        messages.error(request, str(error))
    return redirect("test_talk", project_id=project.public_id, conversation_id=conversation.pk)


def _conversation(project: Project, conversation_id: str) -> Conversation:
    found = panel_conversation(project, conversation_id)
    if found is None:
        raise Http404("No such conversation of the test panel.")
    return found


def _say(request: HttpRequest, conversation: Conversation) -> None:
    text = request.POST.get("text", "").strip()[:TEXT_MAX]
    if not text:
        return
    conversations_seen([conversation.pk])
    try:
        message_accept(
            conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
        )
    except ConversationError as error:
        messages.error(request, str(error))


def _context(project: Project, conversation: Conversation) -> dict[str, object]:
    handoff = panel_handoff(conversation)
    where = conversation.page.get(TEST_PANEL, "")
    return {
        "conversation": conversation,
        "where": dict(places(project)).get(where, where),
        "lines": panel_lines(conversation),
        "moments": panel_moments(conversation),
        "handoff": handoff,
        "payload": json.dumps(handoff["payload"], indent=2, ensure_ascii=False) if handoff else "",
        "is_thinking": conversation.answer_due_at is not None,
    }
