"""The pages of a connection that need its handoffs: what a set-up has led to, and its end."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize

from handoffs.lifecycle.in_use import integrations_in_use, open_handoff_ids
from handoffs.portal.one_handoff.verify import verify_steps
from handoffs.portal.operators import handoff_end_by_operator
from integrations.connect.steps import Step, tool_source
from integrations.connect.views.page import flow_at, flow_view
from integrations.connect.views.tiles import integration_or_404
from integrations.connections.destinations import connection_title, live_agent_rivals
from integrations.connections.services import DefaultInUseError, integration_disconnect
from integrations.entry.account.confirming import recently_confirmed
from integrations.models import Area, ConnectionName, Environment, Integration, Project
from integrations.projects.access import project_view


@flow_view
def connect_done(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show the tool to paste and the verify list."""
    flow = flow_at(request, project, environment, connection, Step.DONE)
    row = integration_or_404(project, environment, connection)
    return flow.page(tool=tool_source(row), verify=verify_steps(row))


@flow_view
def connect_verify(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Answer which verify steps have passed, for the page that watches."""
    row = integration_or_404(project, environment, connection)
    return JsonResponse({step.name: step.has_passed for step in verify_steps(row)})


@project_view(Area.INTEGRATIONS)
@recently_confirmed
def disconnect(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Ask for the tile's name, and disconnect when it was typed."""
    row = integration_or_404(project, environment, connection)
    title = connection_title(row)
    error = ""
    if request.method == "POST":
        error = _disconnect_problem(request, row, title)
        if not error:
            messages.success(request, f"{title} is disconnected.{_ended_now(request, row)}")
            return redirect("integrations", project_id=project.public_id)
    context = {
        "integration": row,
        "environment": Environment(environment),
        "title": title,
        "error": error,
        "successors": _successors(row),
    }
    status = 422 if error else 200
    return render(request, "integrations/disconnect.html", context, status=status)


def _ended_now(request: HttpRequest, row: Integration) -> str:
    """End the handoffs that are open there, if that was chosen, and say how many were."""
    if request.POST.get("open_handoffs") != "end_now":
        return ""
    ended = 0
    for handoff_id in open_handoff_ids(row):
        # One may have ended by itself since the list was made.
        with suppress(ValidationError):
            handoff_end_by_operator(handoff_id=handoff_id, actor=request.user)
            ended += 1
    return f" {ended} open handoff{pluralize(ended)} {pluralize(ended, 'was,were')} ended."


def _disconnect_problem(request: HttpRequest, row: Integration, title: str) -> str:
    if request.POST.get("confirm_name", "").strip() != title:
        return f"The name does not match. Type {title} to disconnect."
    chosen = request.POST.get("successor", "")
    successor = next((s for s, _ in _successors(row) if str(s.connection) == chosen), None)
    try:
        integration_disconnect(
            integration=row,
            actor=request.user,
            successor=successor,
            in_use=integrations_in_use(),
        )
    except DefaultInUseError:
        return "This is the default agent system. Choose the one that takes its place."
    return ""


def _successors(row: Integration) -> list[tuple[Integration, str]]:
    """Return what could become the default in place of the present one, with its title."""
    rivals = live_agent_rivals(row) if row.is_default else []
    return [(rival, connection_title(rival)) for rival in rivals]
