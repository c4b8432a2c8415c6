"""Create, change and delete the AI agent's topics and tools; the only writer of both."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from conversations.ai_agent.entities.parameters import parameters_problems
from conversations.ai_agent.means.services import secrets_rename_tool
from conversations.ai_agent.topics.action_checks import action_problems
from conversations.ai_agent.topics.actions import tool_targets
from conversations.models import Tool, Topic
from integrations.models import Project
from integrations.projects.audit import audit_record

EXAMPLE_QUERIES_MAX = 20
EXAMPLE_QUERY_MAX_CHARACTERS = 300
TOOL_TIMEOUT_MAX_SECONDS = 30
# Names with a meaning of their own in a tool's source; a tool of that name could never be run.
RESERVED_TOOL_NAMES = frozenset({"conv", "flow", *keyword.kwlist, *keyword.softkwlist})
_TOOL_NAME = re.compile(r"[A-Za-z0-9_]+")

Action = dict[str, Any]


def topic_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Topic:
    """Add a topic; raises ValidationError with the field at fault."""
    topic = Topic(project=project, **values)
    with transaction.atomic():
        project.lock()
        _topic_check(topic)
        topic.save()
        audit_record(
            project=topic.project,
            actor=actor,
            action="topic.created",
            subject=topic.name,
            fields=values,
        )
    return topic


def topic_update(*, topic: Topic, actor: Any, values: Mapping[str, Any]) -> Topic:
    """Change a topic; raises ValidationError with the field at fault, and then saves nothing."""
    with transaction.atomic():
        topic.project.lock()
        changed = topic.change(values)
        _topic_check(topic)
        topic.save()
        if changed:
            audit_record(
                project=topic.project,
                actor=actor,
                action="topic.changed",
                subject=topic.name,
                fields=changed,
            )
    return topic


def topic_delete(*, topic: Topic, actor: Any) -> None:
    """Delete a topic; its tools stay."""
    with transaction.atomic():
        audit_record(project=topic.project, actor=actor, action="topic.deleted", subject=topic.name)
        topic.delete()


def tool_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Tool:
    """Add a tool; raises ValidationError with the field at fault."""
    tool = Tool(project=project, **values)
    with transaction.atomic():
        project.lock()
        _tool_check(tool)
        tool.save()
        audit_record(
            project=project, actor=actor, action="tool.created", subject=tool.name, fields=values
        )
    return tool


def tool_update(*, tool: Tool, actor: Any, values: Mapping[str, Any]) -> Tool:
    """Change a tool, and the topics that run it when its name changes; raises ValidationError."""
    with transaction.atomic():
        tool.project.lock()
        changed = tool.change(values)
        _tool_check(tool)
        tool.save()
        if (old_name := changed.get("name", tool.name)) != tool.name:
            _rename_in_topics(tool.project, old_name, tool.name)
            secrets_rename_tool(tool.project, old_name, tool.name)
        if changed:
            audit_record(
                project=tool.project,
                actor=actor,
                action="tool.changed",
                subject=tool.name,
                fields=changed,
            )
    return tool


def tool_delete(*, tool: Tool, actor: Any) -> None:
    """Delete a tool; raises ValidationError that names the topics which still run it."""
    with transaction.atomic():
        users = tool_used_by(project=tool.project, tool_name=tool.name)
        if users:
            names = ", ".join(f"“{topic.name}”" for topic in users)
            raise ValidationError(
                f"{tool.name} is still run by {names}. Remove it from their actions first.",
                code="tool_in_use",
            )
        audit_record(project=tool.project, actor=actor, action="tool.deleted", subject=tool.name)
        tool.delete()


def tool_used_by(*, project: Project, tool_name: str) -> list[Topic]:
    """List the topics whose actions run the tool, by list or by reference in their text."""
    return [
        topic
        for topic in project.topics.all()
        if tool_name in tool_targets(topic.actions, topic.actions_text)
    ]


def tool_name_problem(name: str) -> str:
    """Say in a sentence why a tool cannot have this name; empty when it can."""
    if not _TOOL_NAME.fullmatch(name):
        return "Use letters of the Latin alphabet, digits and underscores only, such as call_me."
    if name[0].isdigit():
        return "Begin with a letter or an underscore: Python does not allow a digit there."
    if name in RESERVED_TOOL_NAMES:
        return f"{name} is reserved. Choose another name."
    return ""


def _topic_check(topic: Topic) -> None:
    topic.name = topic.name.strip()
    _require_free_name(topic, f"A topic named “{topic.name}” exists in this project.", "topic_name")
    _check_queries(topic.example_queries)
    _check_actions(topic)


def _tool_check(tool: Tool) -> None:
    problem = tool_name_problem(tool.name)
    if problem:
        raise ValidationError({"name": ValidationError(problem, code="tool_name_refused")})
    if problems := parameters_problems(tool.parameters):
        raise ValidationError({"parameters": problems})
    _require_free_name(
        tool,
        f"A tool named {tool.name} exists in this project. Choose another name, or open that one.",
        "function_name_already_exists",
    )


def _require_free_name(row: Topic | Tool, message: str, code: str) -> None:
    others: models.QuerySet[Any] = type(row)._default_manager.filter(project=row.project)
    if others.filter(name=row.name).exclude(pk=row.pk).exists():
        raise ValidationError({"name": ValidationError(message, code=code)})


def _check_queries(queries: Sequence[str]) -> None:
    if len(queries) > EXAMPLE_QUERIES_MAX:
        message = f"{len(queries)} example queries are given; at most {EXAMPLE_QUERIES_MAX} fit."
        raise ValidationError({"example_queries": message})
    too_long = next((q for q in queries if len(q) > EXAMPLE_QUERY_MAX_CHARACTERS), None)
    if too_long:
        message = f"“{too_long[:40]}…” is longer than {EXAMPLE_QUERY_MAX_CHARACTERS} characters."
        raise ValidationError({"example_queries": message})


def _check_actions(topic: Topic) -> None:
    if problems := action_problems(topic):
        raise ValidationError({"actions": problems})


def _rename_in_topics(project: Project, old: str, new: str) -> None:
    reference = re.compile(r"(\{\{\s*fn\s*:\s*)" + re.escape(old) + r"(?=\s*[(}])")
    for topic in tool_used_by(project=project, tool_name=old):
        for action in topic.actions:
            if action.get("target") == old and action.get("kind") == "run_tool":
                action["target"] = new
        topic.actions_text = reference.sub(rf"\g<1>{new}", topic.actions_text)
        topic.save(update_fields=["actions", "actions_text", "updated_at"])
