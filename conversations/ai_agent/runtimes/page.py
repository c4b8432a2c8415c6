"""The page Build > AI agent, as each of its actions shows it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from conversations.ai_agent.runtimes.cures import cure_of
from conversations.ai_agent.runtimes.forms import OutsideAgentForm
from conversations.ai_agent.runtimes.kinds import (
    SIGNING_SECRET,
    AgentKind,
    all_kinds,
    kind_of,
    signing_secrets,
)
from conversations.ai_agent.runtimes.runtime import is_asked
from conversations.ai_agent.runtimes.trial import TrialTurn
from conversations.models import OutsideAgent
from conversations.webhooks.endpoints import OVERLAP

TEST_TEXT = "I want to talk to a human"


def agent_page(
    request: HttpRequest,
    agent: OutsideAgent | None,
    kind: AgentKind | None,
    *,
    form: OutsideAgentForm | None = None,
    made: str = "",
    tried: TrialTurn | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the page of a kind (None is the built-in), with what was made or tried."""
    current = kind_of(agent.kind) if agent else None
    overlaps = agent is not None and len(signing_secrets(agent)) > 1
    context = {
        "agent": agent,
        "current": current,
        "kinds": all_kinds(),
        "kind": kind,
        "is_current": kind is current,
        "form": form or (OutsideAgentForm(kind, stored=agent) if kind else None),
        "made": made,
        "has_secret": bool(agent and agent.secrets.get(SIGNING_SECRET)),
        "overlap_until": agent.previous_until if agent and overlaps else None,
        "overlap_hours": int(OVERLAP.total_seconds() // 3600),
        "error": cure_of(agent.error_code) if agent and agent.error_code else None,
        "is_asked": bool(agent and is_asked(agent)),
        "tried": tried,
        "test_text": tried.said if tried else TEST_TEXT,
    }
    return render(request, "conversations/agent.html", context, status=status)
