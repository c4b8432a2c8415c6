"""Build > Handoff rules: when the AI agent hands off by itself, and where to."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.topics.policy import policy_of
from conversations.ai_agent.topics.policy_form import PolicyForm
from integrations.models import Area, Project
from integrations.projects.access import project_view
from integrations.projects.settings import project_set


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET", "POST"])
def handoff_rules(request: HttpRequest, project: Project) -> HttpResponse:
    """Show and change the policy."""
    form = PolicyForm.of(project, policy_of(project))
    if request.method == "POST":
        form = PolicyForm(project, request.POST)
        if form.is_valid():
            project_set(project, {"trigger_policy": form.policy()}, actor=request.user)
            messages.success(request, "Handoff rules saved. They hold from the next message on.")
            return redirect("handoff_rules", project_id=project.public_id)
    context = {"form": form, "mandatory": project.topics.filter(is_mandatory=True)}
    status = 422 if form.errors else 200
    return render(request, "conversations/handoff_rules.html", context, status=status)
