"""Draw the editor of a tool, for every view that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from conversations.ai_agent.forms import ToolForm
from conversations.ai_agent.sandbox.errors import USEFUL_MODULES
from conversations.ai_agent.services import tool_used_by
from conversations.ai_agent.tools.check import Problem
from conversations.ai_agent.tools.payload_lint import PayloadReader
from conversations.models import Tool
from integrations.models import Project

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


def tool_editor_page(
    request: HttpRequest,
    project: Project,
    tool: Tool | None,
    form: ToolForm,
    problems: Sequence[Problem] = (),
    *,
    run: object = None,
    status: int = 200,
) -> HttpResponse:
    """Draw the editor; `run` is the report of a run to show below the source."""
    where = {"project_id": project.public_id}
    context = {
        "tool": tool,
        "users": tool_used_by(project=project, tool_name=tool.name) if tool else [],
        "form": form,
        "problems": problems,
        "run": run,
        "run_url": reverse("tool_run", kwargs=where | ({"tool_id": tool.pk} if tool else {})),
        "example": EXAMPLE_SOURCE,
        "modules": USEFUL_MODULES,
    }
    return render(request, "conversations/tool_edit.html", context, status=status)
