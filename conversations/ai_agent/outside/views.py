"""Build > AI agent: who answers in a project, and whether it does."""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from conversations.ai_agent.outside.forms import OutsideAgentForm
from conversations.ai_agent.outside.kinds import KINDS, SIGNING_SECRET, AgentKind, kind_of
from conversations.ai_agent.outside.runtime import is_asked, outside_agent
from conversations.ai_agent.outside.services import (
    outside_agent_error_note,
    outside_agent_remove,
    outside_agent_save,
    signing_secret_replace,
)
from conversations.ai_agent.outside.trial import TestTurn, agent_try, cure_of
from conversations.models import OutsideAgent
from integrations.entry.rate_limit import retry_after
from integrations.models import Access, Area, Project
from integrations.projects.access import project_for, project_view
from integrations.projects.audit import audit_record

BUILT_IN = "builtin"
TESTS_PER_MINUTE = 10
TEST_TEXT = "I want to talk to a human"
TEST_TEXT_MAX = 500


@never_cache
@project_view(Area.TOOLS)
@require_http_methods(["GET", "POST"])
def agent_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Show who answers, and what another kind of agent needs; a POST makes it so."""
    agent = outside_agent(project.pk)
    asked = request.POST.get("kind") or request.GET.get("kind") or (agent.kind if agent else "")
    kind = kind_of(asked)
    if request.method != "POST":
        return _page(request, project, agent, kind)
    if kind is None:
        return _use_built_in(request, project, asked)
    form = OutsideAgentForm(kind, stored=agent, data=request.POST)
    if not form.is_valid():
        return _page(request, project, agent, kind, form=form, status=422)
    agent, made = outside_agent_save(
        project=project,
        actor=request.user,
        kind=kind,
        url=form.cleaned_data.get("url", ""),
        options=form.options(),
        typed_secrets=form.typed_secrets(),
    )
    if made:
        return _page(request, project, agent, kind, made=made)
    messages.success(request, f"Saved: {kind.label}. It holds from the next message on.")
    return redirect("agent", project_id=project.public_id)


@never_cache
@project_view(Area.TOOLS)
@require_POST
def agent_secret(request: HttpRequest, project: Project) -> HttpResponse:
    """Make a new secret for our calls and show it in the answer, once."""
    agent = get_object_or_404(OutsideAgent, project=project)
    kind = kind_of(agent.kind)
    if kind is None or not kind.signs:
        raise Http404("This kind of agent has no such secret.")
    made = signing_secret_replace(agent=agent, actor=request.user)
    return _page(request, project, agent, kind, made=made)


@require_POST
@login_required
async def agent_test(request: HttpRequest, project_id: str) -> HttpResponseBase:
    """Send a test turn, and show what came back."""
    text = request.POST.get("text", "").strip()[:TEST_TEXT_MAX] or TEST_TEXT
    agent, wait = await sync_to_async(_test_start)(request, project_id)
    if agent is None or wait:
        return await sync_to_async(_test_refuse)(request, project_id, wait)
    tried = await agent_try(agent, text)
    return await sync_to_async(_test_show)(request, agent, tried)


def _use_built_in(request: HttpRequest, project: Project, asked: str) -> HttpResponse:
    if asked != BUILT_IN:
        raise Http404("There is no such kind of agent.")
    outside_agent_remove(project=project, actor=request.user)
    messages.success(request, "The built-in AI agent answers from the next message on.")
    return redirect("agent", project_id=project.public_id)


def _test_start(request: HttpRequest, project_id: str) -> tuple[OutsideAgent | None, int]:
    project = project_for(request, project_id, Area.TOOLS, Access.EDIT)
    agent = OutsideAgent.objects.select_related("project__workspace").filter(project=project)
    found = agent.first()
    if found is None or not is_asked(found):
        return None, 0
    wait = retry_after(f"agent-test:{project_id}", limit=TESTS_PER_MINUTE, window_seconds=60)
    if not wait:
        audit_record(
            project=project, actor=request.user, action="outside_agent.tested", subject=found.kind
        )
    return found, wait


def _test_refuse(request: HttpRequest, project_id: str, wait: int) -> HttpResponse:
    if wait:
        messages.error(request, f"Too many tests. Try again in {wait} seconds.")
    else:
        messages.error(request, "Nothing to test: save an agent that Baton calls first.")
    return redirect("agent", project_id=project_id)


def _test_show(request: HttpRequest, agent: OutsideAgent, tried: TestTurn) -> HttpResponse:
    outside_agent_error_note(agent, tried.error.code if tried.error else "")
    agent.refresh_from_db()
    return _page(request, agent.project, agent, kind_of(agent.kind), tried=tried)


def _page(
    request: HttpRequest,
    project: Project,
    agent: OutsideAgent | None,
    kind: AgentKind | None,
    *,
    form: OutsideAgentForm | None = None,
    made: str = "",
    tried: TestTurn | None = None,
    status: int = 200,
) -> HttpResponse:
    is_current = agent.kind == kind.key if agent and kind else agent is None and kind is None
    context = {
        "agent": agent,
        "current": kind_of(agent.kind) if agent else None,
        "kinds": KINDS,
        "kind": kind,
        "is_current": is_current,
        "form": form or (OutsideAgentForm(kind, stored=agent) if kind else None),
        "made": made,
        "has_secret": bool(agent and agent.secrets.get(SIGNING_SECRET)),
        "error": cure_of(agent.error_code) if agent and agent.error_code else None,
        "is_asked": bool(agent and is_asked(agent)),
        "tried": tried,
        "answered": _answered(tried),
        "test_text": tried.said if tried else TEST_TEXT,
    }
    return render(request, "conversations/agent.html", context, status=status)


def _answered(tried: TestTurn | None) -> dict[str, Any] | None:
    """Return an answer as rows of text."""
    if tried is None or tried.answer is None:
        return None
    answer = tried.answer
    offers = {name: value for m in answer.messages for name, value in m.extra.items() if value}
    return {
        "texts": [message.text for message in answer.messages if message.text],
        "offers": json.dumps(offers, indent=2, ensure_ascii=False) if offers else "",
        "returned": _shown(answer.returned),
        "state": _shown(answer.state),
        "logs": answer.logs,
        "has_hung_up": answer.has_hung_up,
        "comes_later": answer.comes_later,
    }


def _shown(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
