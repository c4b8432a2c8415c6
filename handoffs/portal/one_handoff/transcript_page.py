"""The page with a transcript that a live agent reaches by a signed link, without signing in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.relay.screen_pop.links import LOOKS_MAX, transcript_open
from handoffs.relay.screen_pop.request import transcript_lines

LINES_MAX = 5000
_WHO = {
    "end_user": "End user",
    "ai_agent": "AI agent",
    "live_agent": "Live agent",
    "system": "System",
}


@require_GET
def transcript_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what was said before a handoff, masked as its vendor gets it; each look counts."""
    handoff = transcript_open(token)
    if handoff is None or handoff.conversation.is_discarded:
        response = render(
            request, "handoffs/transcript_over.html", {"looks": LOOKS_MAX}, status=410
        )
    else:
        timezone.activate(handoff.conversation.project.zone)
        lines = transcript_lines(handoff, limit=LINES_MAX)
        context = {
            "handoff": handoff,
            "lines": [(_WHO[line.speaker], line.sent_at, line.text) for line in lines],
            "is_cut": len(lines) == LINES_MAX,
        }
        response = render(request, "handoffs/transcript.html", context)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
