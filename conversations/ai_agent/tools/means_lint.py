"""Holds a source against the secrets, APIs and tools of its project, as far as it names them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from conversations.models import Secret, ToolApi
from integrations.contract.integration_keys import tool_integrations
from integrations.models import Project


class MeansFinding(NamedTuple):
    """Something that the project does not have; `page` is where it can be mended."""

    line: int
    column: int
    message: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the tools of a project can use, by name; secrets with the tools that may read them."""

    tools: frozenset[str] = frozenset()
    apis: Mapping[str, frozenset[str]] = field(default_factory=dict)
    secrets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    integrations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def means_of(project: Project) -> Means:
    """Read what a project's tools can use."""
    return Means(
        tools=frozenset(project.tools.values_list("name", flat=True)),
        apis={
            api.name: frozenset(one["name"] for one in api.operations)
            for api in ToolApi.objects.filter(project=project)
        },
        secrets={
            row.name: frozenset(row.tool_names) for row in Secret.objects.filter(project=project)
        },
        integrations=tool_integrations(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeansNamed:
    """The secrets and APIs that a source names outright."""

    secrets: frozenset[str]
    apis: frozenset[str]


def means_named(source: str) -> MeansNamed:
    """Return what a source reads by name; nothing for one that is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        nodes = []
    secrets = (_secret_name(node) for node in nodes if isinstance(node, ast.Call))
    paths = (_path(node) for node in nodes if isinstance(node, ast.Attribute))
    return MeansNamed(
        secrets=frozenset(filter(None, secrets)),
        apis=frozenset(path[1] for path in paths if len(path) > 1 and path[0] == "api"),
    )


def means_findings(tree: ast.Module, function_name: str, means: Means) -> Iterator[MeansFinding]:
    """Name each conv.functions, conv.api and get_secret that leads nowhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            message, page = _of_path(_path(node), means)
        elif isinstance(node, ast.Call):
            message, page = _of_secret(node, function_name, means)
        else:
            continue
        if message:
            yield MeansFinding(node.lineno, node.col_offset + 1, message, page)


def _path(node: ast.Attribute) -> list[str]:
    """Return the names of conv.api.orders.get, or nothing for what does not begin with conv."""
    names = [node.attr]
    below: ast.expr = node.value
    while isinstance(below, ast.Attribute):
        names.append(below.attr)
        below = below.value
    return names[::-1] if isinstance(below, ast.Name) and below.id == "conv" else []


def _of_path(path: list[str], means: Means) -> tuple[str, str]:
    match path:
        case ["functions", name] if name not in means.tools:
            return f"there is no tool named {name}", "tools"
        case ["api", name] if name not in means.apis:
            return f"there is no API named {name}", "tool_apis"
        case ["api", name, operation] if operation not in means.apis.get(name, {operation}):
            return f"the API {name} has no operation {operation}", "tool_apis"
        case ["integrations", name] if name not in means.integrations:
            known = ", ".join(means.integrations)
            return f"conv.integrations has no {name}; it has {known}", "integrations"
        case ["integrations", name, operation] if operation not in means.integrations.get(
            name, (operation,)
        ):
            return f"conv.integrations.{name} has no call {operation}", "integrations"
    return "", ""


def _of_secret(node: ast.Call, function_name: str, means: Means) -> tuple[str, str]:
    name = _secret_name(node)
    if not name:
        return "", ""
    if name not in means.secrets:
        return f"there is no secret named {name}", "secrets"
    if function_name not in means.secrets[name]:
        return f"{function_name} may not read the secret {name} yet", "secrets"
    return "", ""


def _secret_name(node: ast.Call) -> str:
    """Return the name in a call of get_secret; empty where it is no literal, or another call."""
    called = node.func
    if not (isinstance(called, ast.Attribute) and called.attr == "get_secret" and node.args):
        return ""
    name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    return name if isinstance(name, str) else ""
