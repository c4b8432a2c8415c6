"""Run a tool from its editor, as it stands there, saved or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.entities.parameters import parameters_of
from conversations.ai_agent.forms import ToolForm
from conversations.ai_agent.tools.check import Problem, tool_check
from conversations.ai_agent.tools.editor import tool_editor_page
from conversations.ai_agent.tools.means_lint import means_of
from conversations.ai_agent.tools.parameter_rows import (
    ParameterRow,
    rows_posted,
    rows_stored,
    trial_values,
)
from handoffs.portal.trials.tool_trial import (
    ToolReport,
    arguments_refused,
    tool_refused,
    tool_try,
)
from handoffs.starting.judging import payload_reader
from integrations.models import Area, Project
from integrations.projects.access import project_view


@project_view(Area.TOOLS)
@require_http_methods(["POST"])
def tool_run_page(
    request: HttpRequest, project: Project, tool_id: int | None = None
) -> HttpResponse:
    """Show what a run returns: a fragment for the editor's script, the whole editor without it."""
    form = ToolForm(request.POST)
    rows = rows_posted(request.POST)
    report, problems = None, []
    if form.is_valid():
        problems = _problems(project, form.cleaned_data)
        report = tool_refused(problems) or _report(project, form.cleaned_data, rows)
    if request.headers.get("X-Requested-With") == "fetch":
        context = {"run": report, "form": form}
        return render(request, "handoffs/tool_run_result.html", context)
    tool = get_object_or_404(project.tools, pk=tool_id) if tool_id else None
    status = 200 if report else 422
    return tool_editor_page(
        request, project, tool, form, problems, run=report, rows=rows, status=status
    )


def _report(
    project: Project, values: Mapping[str, Any], rows: Sequence[ParameterRow]
) -> ToolReport:
    """Run it with the arguments that were typed, or say what is wrong with them."""
    taken = parameters_of(values["source"], values["name"], rows_stored(rows))
    arguments, wrong = trial_values(taken, rows)
    if wrong:
        return arguments_refused(wrong)
    return tool_try(
        project=project,
        name=values["name"],
        source=values["source"],
        timeout_seconds=values["timeout_seconds"],
        arguments=arguments,
    )


def _problems(project: Project, values: Mapping[str, Any]) -> list[Problem]:
    """Return what saving would say: what cannot be saved is not run either."""
    return tool_check(
        values["source"],
        values["name"],
        payload_reader=payload_reader(project),
        means=means_of(project),
        project_key=project.public_id,
        workspace_key=project.workspace.public_id,
    )
