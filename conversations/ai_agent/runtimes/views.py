"""Build > AI agent: choose who answers in a project."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from conversations.ai_agent.runtimes.forms import OutsideAgentForm
from conversations.ai_agent.runtimes.kinds import all_kinds, kind_of
from conversations.ai_agent.runtimes.page import agent_page
from conversations.ai_agent.runtimes.runtime import outside_agent
from conversations.ai_agent.runtimes.services import (
    outside_agent_remove,
    outside_agent_save,
    signing_secret_replace,
)
from conversations.models import OutsideAgent
from integrations.entry.account.confirming import recently_confirmed
from integrations.models import Area, Project
from integrations.projects.access import project_view
from integrations.projects.frame.address import asked

BUILT_IN = "builtin"


@never_cache
@project_view(Area.TOOLS)
@require_http_methods(["GET", "POST"])
def agent_settings(request: HttpRequest, project: Project) -> HttpResponse:
    """Show who answers, and what another kind of agent needs; a POST makes it so."""
    agent = outside_agent(project)
    if request.method != "POST":
        offered = [BUILT_IN, *(kind.key for kind in all_kinds())]
        chosen = asked(request, "kind", offered, agent.kind if agent else BUILT_IN)
        return agent_page(request, agent, kind_of(chosen))
    chosen = request.POST.get("kind", "")
    kind = kind_of(chosen)
    if kind is None:
        return _use_built_in(request, project, chosen)
    form = OutsideAgentForm(kind, stored=agent, data=request.POST)
    if not form.is_valid():
        return agent_page(request, agent, kind, form=form, status=422)
    agent, made = outside_agent_save(
        project=project,
        actor=request.user,
        kind=kind,
        url=form.cleaned_data.get("url", ""),
        options=form.options(),
        typed_secrets=form.typed_secrets(),
    )
    if made:
        return agent_page(request, agent, kind, made=made)
    messages.success(request, f"Saved: {kind.label}. It holds from the next message on.")
    return redirect("agent", project_id=project.public_id)


@never_cache
@project_view(Area.TOOLS)
@require_POST
@recently_confirmed
def agent_secret(request: HttpRequest, project: Project) -> HttpResponse:
    """Make a new secret for our calls and show it in the answer, once."""
    agent = get_object_or_404(OutsideAgent, project=project)
    kind = kind_of(agent.kind)
    if kind is None or not kind.signs:
        raise Http404("This kind of agent has no such secret.")
    overlaps = request.POST.get("overlap") == "yes"
    made = signing_secret_replace(agent=agent, actor=request.user, overlaps=overlaps)
    return agent_page(request, agent, kind, made=made)


def _use_built_in(request: HttpRequest, project: Project, asked: str) -> HttpResponse:
    if asked != BUILT_IN:
        raise Http404("There is no such kind of agent.")
    outside_agent_remove(project=project, actor=request.user)
    messages.success(request, "The built-in AI agent answers from the next message on.")
    return redirect("agent", project_id=project.public_id)
