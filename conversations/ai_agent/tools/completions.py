"""What the editor offers while a builder writes: read from the stub of conv, and the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from conversations.ai_agent.tools.check import STUB
from conversations.models import Secret, ToolApi
from integrations.models import Project

Option = dict[str, str]


def completions_of(project: Project) -> dict[str, list[Option]]:
    """Return what may stand behind each path, such as conv and conv.log; "" is everywhere."""
    apis = list(ToolApi.objects.filter(project=project))
    found = dict(_of_stub())
    found["conv.functions"] = [
        _option(name, "function", "tool") for name in project.tools.values_list("name", flat=True)
    ]
    found["conv.api"] = [_option(api.name, "variable", "API") for api in apis]
    for api in apis:
        found[f"conv.api.{api.name}"] = [
            _option(one["name"], "method", f"{one['method']} {one['path']}")
            for one in api.operations
        ]
    secrets = Secret.objects.filter(project=project)
    found["get_secret("] = [_option(row.name, "constant", row.description) for row in secrets]
    return found


@lru_cache(maxsize=1)
def _of_stub() -> dict[str, list[Option]]:
    classes = {n.name: n for n in ast.parse(STUB).body if isinstance(n, ast.ClassDef)}
    found = {"": [_option(name, "class", "") for name in classes if name != "Conversation"]}
    _walk(classes, "Conversation", "conv", found)
    return found


def _walk(
    classes: dict[str, ast.ClassDef], name: str, path: str, found: dict[str, list[Option]]
) -> None:
    """Add what a class offers under a path, and below it what its attributes offer."""
    found[path] = list(_members(classes[name]))
    for node in classes[name].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            kind = ast.unparse(node.annotation).removesuffix(" | None")
            if kind in classes and kind != name:
                _walk(classes, kind, f"{path}.{node.target.id}", found)


def _members(node: ast.ClassDef) -> Iterator[Option]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield _option(one.target.id, "property", ast.unparse(one.annotation))
        elif isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
            taken = [a.arg for a in one.args.args[1:] + one.args.kwonlyargs]
            yield _option(one.name, "method", f"({', '.join(taken)})")


def _option(label: str, kind: str, detail: str) -> Option:
    return {"label": label, "type": kind, "detail": detail[:80]}
