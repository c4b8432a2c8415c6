"""Run a tool from its editor, as it stands there, saved or not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.forms import ToolForm
from conversations.ai_agent.tools.check import tool_check
from conversations.ai_agent.tools.editor import tool_editor_page
from handoffs.portal.trials.tool_trial import ToolReport, tool_try
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
    report = None
    if form.is_valid():
        values = form.cleaned_data
        report = tool_try(
            project=project,
            name=values["name"],
            source=values["source"],
            timeout_seconds=values["timeout_seconds"],
        )
    if request.headers.get("X-Requested-With") == "fetch":
        context = {"run": report, "form": form}
        return render(request, "handoffs/tool_run_result.html", context)
    return _whole_page(request, project, tool_id, form, report)


def _whole_page(
    request: HttpRequest,
    project: Project,
    tool_id: int | None,
    form: ToolForm,
    report: ToolReport | None,
) -> HttpResponse:
    tool = get_object_or_404(project.tools, pk=tool_id) if tool_id else None
    problems = []
    if form.is_valid():
        problems = tool_check(
            form.cleaned_data["source"],
            form.cleaned_data["name"],
            payload_reader=payload_reader(project),
            project_key=project.public_id,
            workspace_key=project.workspace.public_id,
        )
    status = 200 if report else 422
    return tool_editor_page(request, project, tool, form, problems, run=report, status=status)
