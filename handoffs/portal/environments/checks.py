"""What would not work in an environment, said before a release goes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conversations.ai_agent.tools.check import tool_check
from conversations.ai_agent.topics.actions import tool_targets
from handoffs.starting.addressing import offered_integrations
from handoffs.starting.judging import payload_reader
from integrations.connections.destinations import integration_default
from integrations.models import Environment, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know before a release goes out."""

    severity: Literal["error", "warning"]
    where: str
    message: str


def release_check(project: Project, content: Mapping[str, Any], environment: str) -> list[Finding]:
    """List what of a content would fail in an environment, the worst first."""
    found = [
        *_connections(project, environment),
        *_topics(content),
        *_tools(project, content),
        *_variants(project, content, environment),
    ]
    return sorted(found, key=lambda one: one.severity != "error")


def _connections(project: Project, environment: str) -> Iterator[Finding]:
    label = Environment(environment).label
    if not offered_integrations(project, [environment]):
        message = f"No live-agent integration is connected in {label}: handoffs will fail there."
        yield Finding(severity="warning", where="Integrations", message=message)
    elif integration_default(project, environment) is None:
        message = f"Several integrations are connected in {label} and none is the default."
        yield Finding(severity="warning", where="Integrations", message=message)


def _topics(content: Mapping[str, Any]) -> Iterator[Finding]:
    tools = {tool["name"] for tool in content.get("tools", [])}
    for topic in content.get("topics", []):
        if not topic.get("is_enabled", True):
            continue
        for name in tool_targets(topic.get("actions", []), topic.get("actions_text", "")):
            if name not in tools:
                message = f"Runs the tool {name}, which is not part of this release."
                yield Finding(severity="error", where=f"Topic “{topic['name']}”", message=message)


def _tools(project: Project, content: Mapping[str, Any]) -> Iterator[Finding]:
    reader = payload_reader(project)
    for tool in content.get("tools", []):
        problems = tool_check(
            tool["source"],
            tool["name"],
            payload_reader=reader,
            project_key=project.public_id,
            workspace_key=project.workspace.public_id,
        )
        for problem in problems:
            yield Finding(
                severity=problem.severity,
                where=f"Tool {tool['name']}, line {problem.line}",
                message=problem.message,
            )


def _variants(project: Project, content: Mapping[str, Any], environment: str) -> Iterator[Finding]:
    offered = offered_integrations(project, [environment])
    for variant in content.get("variants", []):
        key = variant.get("integration_key")
        if key and key not in offered:
            message = f"Its integration {key} is not connected in {Environment(environment).label}."
            yield Finding(severity="warning", where=f"Variant “{variant['name']}”", message=message)
