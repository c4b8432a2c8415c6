"""Draw the editor of a tool, for every view that shows it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from conversations.ai_agent.entities.parameters import TYPES
from conversations.ai_agent.forms import ToolForm
from conversations.ai_agent.sandbox.errors import USEFUL_MODULES
from conversations.ai_agent.services import tool_used_by
from conversations.ai_agent.tools.check import Problem
from conversations.ai_agent.tools.completions import completions_of
from conversations.ai_agent.tools.parameter_rows import ParameterRow, rows_of
from conversations.ai_agent.tools.payload_lint import PayloadReader
from conversations.models import Tool
from conversations.models.release import release_id_of
from conversations.releases.content import content_of_release
from integrations.models import Environment, Project

# Payloads belong to an app above this one, which brings what judges them in a project.
ReaderOfProject = Callable[[Project], PayloadReader]

# What an admin begins with: the smallest tool that hands off.
EXAMPLE_NAME = "transfer_to_salesforce"
EXAMPLE_SOURCE = """def transfer_to_salesforce(conv: Conversation):
    return {
        "utterance": "No problem, I'll transfer you to one of our agents now.",
        "handoff": {"text_chat": {"salesforce_integration": {}}},
    }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """What end users get of a tool today, and how the editor's stored source differs from it."""

    label: str
    source: str
    difference: str


def live_source(project: Project, tool: Tool) -> LiveSource:
    """Return the source that Live runs: of its release, or where it has none, what is saved."""
    release_id = release_id_of(project.pk, Environment.LIVE)
    if release_id is None:
        return LiveSource(label="what is saved", source=tool.source, difference="")
    released = content_of_release(project, release_id).named(Tool, [tool.name]).get(tool.name)
    source = released.source if released else ""
    lines = difflib.unified_diff(
        source.splitlines(), tool.source.splitlines(), "Live", "saved", lineterm=""
    )
    return LiveSource(label="Live", source=source, difference="\n".join(lines))


def tool_editor_page(
    request: HttpRequest,
    project: Project,
    tool: Tool | None,
    form: ToolForm,
    problems: Sequence[Problem] = (),
    *,
    run: object = None,
    rows: Sequence[ParameterRow] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw the editor; `run` is the report of a run to show below the source.

    `rows` are the parameters as they are typed; None shows those of the stored tool.
    """
    where = {"project_id": project.public_id}
    context = {
        "tool": tool,
        "users": tool_used_by(project=project, tool_name=tool.name) if tool else [],
        "form": form,
        "problems": problems,
        "run": run,
        "rows": _stored_rows(tool) if rows is None else rows,
        "types": [(one.key, one.label) for one in TYPES.values()],
        "completions": completions_of(project),
        "live": live_source(project, tool) if tool else None,
        "run_url": reverse("tool_run", kwargs=where | ({"tool_id": tool.pk} if tool else {})),
        "example": EXAMPLE_SOURCE,
        "modules": USEFUL_MODULES,
    }
    return render(request, "conversations/tool_edit.html", context, status=status)


def _stored_rows(tool: Tool | None) -> list[ParameterRow]:
    return rows_of(tool.source, tool.name, tool.parameters) if tool else []
