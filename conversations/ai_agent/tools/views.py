"""The Tools pages: list, editor, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.forms import ToolForm
from conversations.ai_agent.services import tool_create, tool_delete, tool_update, tool_used_by
from conversations.ai_agent.tools.check import Problem, tool_check
from conversations.ai_agent.tools.editor import (
    EXAMPLE_NAME,
    EXAMPLE_SOURCE,
    ReaderOfProject,
    tool_editor_page,
)
from conversations.ai_agent.tools.means_lint import means_of
from conversations.ai_agent.tools.parameter_rows import (
    POSTED,
    ParameterRow,
    rows_move,
    rows_posted,
    rows_stored,
)
from conversations.ai_agent.topic_selectors import tool_list
from conversations.models import Tool
from integrations.models import Access, Area, Project
from integrations.projects.access import project_view


@project_view(Area.TOOLS)
@require_http_methods(["GET"])
def tools(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's tools and the topics that run them."""
    return render(request, "conversations/tools.html", {"tools": tool_list(project=project)})


@project_view(Area.TOOLS, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def tool_new(
    request: HttpRequest, project: Project, payload_reader: ReaderOfProject | None = None
) -> HttpResponse:
    """Add a tool; `payload_reader` judges handoff payloads that stand in its source."""
    return _editor(request, project, None, payload_reader)


@project_view(Area.TOOLS)
@require_http_methods(["GET", "POST"])
def tool_edit(
    request: HttpRequest,
    project: Project,
    tool_id: int,
    payload_reader: ReaderOfProject | None = None,
) -> HttpResponse:
    """Show and change a tool; its problems are found again each time it is opened."""
    return _editor(request, project, get_object_or_404(project.tools, pk=tool_id), payload_reader)


@project_view(Area.TOOLS, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def tool_remove(request: HttpRequest, project: Project, tool_id: int) -> HttpResponse:
    """Ask, then delete a tool that no topic runs."""
    tool = get_object_or_404(project.tools, pk=tool_id)
    users = tool_used_by(project=project, tool_name=tool.name)
    context = {"tool": tool, "users": users}
    if request.method != "POST":
        return render(request, "conversations/tool_delete.html", context)
    name = tool.name
    try:
        tool_delete(tool=tool, actor=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return render(request, "conversations/tool_delete.html", context, status=409)
    messages.success(request, f"Tool {name} deleted.")
    return redirect("tools", project_id=project.public_id)


def _editor(
    request: HttpRequest, project: Project, tool: Tool | None, reader: ReaderOfProject | None
) -> HttpResponse:
    """Show the editor, or save: errors in the source block saving, warnings do not."""
    if request.method != "POST":
        form = ToolForm.for_tool(tool) if tool else ToolForm(initial=_fresh(project))
        problems = _problems(project, tool, reader) if tool else []
        return tool_editor_page(request, project, tool, form, problems)
    stored = Tool.objects.get(pk=tool.pk) if tool else None
    if command := request.POST.get("rows"):
        form = ToolForm(initial=request.POST.dict())
        rows = _rows_moved(request, command)
        return tool_editor_page(request, project, stored, form, rows=rows)
    form = ToolForm(request.POST)
    rows, problems = rows_posted(request.POST), []
    if form.is_valid():
        values = form.cleaned_data | _parameters(request, rows)
        problems = _problems(project, _as_typed(project, tool, values), reader)
        if any(problem.severity == "error" for problem in problems):
            form.add_error("source", "The errors listed below would stop the tool. Correct them.")
        elif saved := _save(request, project, tool, form, values):
            return redirect("tool_edit", project_id=project.public_id, tool_id=saved.pk)
    return tool_editor_page(request, project, stored, form, problems, rows=rows, status=422)


def _rows_moved(request: HttpRequest, command: str) -> list[ParameterRow]:
    source, name = request.POST.get("source", ""), request.POST.get("name", "")
    return rows_move(rows_posted(request.POST), command, source=source, function_name=name)


def _parameters(request: HttpRequest, rows: Sequence[ParameterRow]) -> dict[str, object]:
    """Return the parameters that were sent; a form without their rows leaves them as they are."""
    return {"parameters": rows_stored(rows)} if POSTED in request.POST else {}


def _as_typed(project: Project, tool: Tool | None, values: Mapping[str, Any]) -> Tool:
    """Return the tool as it would be saved, for its check alone."""
    listed = values.get("parameters", tool.parameters if tool else [])
    return Tool(project=project, name=values["name"], source=values["source"], parameters=listed)


def _save(
    request: HttpRequest,
    project: Project,
    tool: Tool | None,
    form: ToolForm,
    values: Mapping[str, object],
) -> Tool | None:
    """Save the tool; puts errors on the form and returns None if it is refused."""
    try:
        if tool:
            saved = tool_update(tool=tool, actor=request.user, values=values)
        else:
            saved = tool_create(project=project, actor=request.user, values=values)
    except ValidationError as error:
        for field, problems in error.message_dict.items():
            form.add_error(field if field in form.fields else None, ValidationError(problems))
        return None
    messages.success(request, f"Tool {saved.name} saved. It is used from the next message on.")
    return saved


def _problems(project: Project, tool: Tool, reader: ReaderOfProject | None) -> list[Problem]:
    judge = reader(project) if reader else None
    return tool_check(
        tool.source,
        tool.name,
        payload_reader=judge,
        means=means_of(project),
        parameters=tool.parameters,
        project_key=project.public_id,
        workspace_key=project.workspace.public_id,
    )


def _fresh(project: Project) -> dict[str, object]:
    """Offer the example under a name that is still free."""
    is_taken = project.tools.filter(name=EXAMPLE_NAME).exists()
    name = "" if is_taken else EXAMPLE_NAME
    source = EXAMPLE_SOURCE.replace(EXAMPLE_NAME, "my_tool") if is_taken else EXAMPLE_SOURCE
    return {"name": name, "source": source, "timeout_seconds": 10}
