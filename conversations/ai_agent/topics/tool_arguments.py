"""Gives a tool the arguments that an action names: those by place get the names of their places."""

from __future__ import annotations

import ast

from conversations.ai_agent.topics.actions import TopicAction, Value
from conversations.models import Tool


def tool_arguments(tool: Tool, action: TopicAction) -> dict[str, Value]:
    """Return the arguments by name; what the tool has no place for is left out."""
    places = _parameters(tool)
    found = dict(zip(places, action.arguments, strict=False))
    return found | {name: value for name, value in action.named.items() if name in places}


def _parameters(tool: Tool) -> list[str]:
    """Return the names behind conv in the tool's signature."""
    try:
        tree = ast.parse(tool.source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    defined = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    function = next((node for node in defined if node.name == tool.name), None)
    if function is None:
        return []
    names = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [one.arg for one in names if one.arg not in ("conv", "flow")]
