"""Reads what a topic does when it matches: its action list, or references in its actions text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["run_tool", "handoff"]

_KINDS: dict[str, Kind] = {"fn": "run_tool", "ho": "handoff"}
_REFERENCE = re.compile(
    r"\{\{\s*(?P<prefix>fn|ho)\s*:\s*(?P<target>[^{}\n]{1,128}?)\s*\}\}"
    r"(?P<arguments>\([^()\n]{0,500}\))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicAction:
    """One thing to do: run a tool, with positional texts as arguments, or hand off."""

    kind: Kind
    target: str
    arguments: tuple[str | int | float | bool, ...] = ()


def topic_actions(actions: object, actions_text: str) -> list[TopicAction]:
    """Return what a topic does, structured list first, then references in the text.

    Only actions that need no condition are returned. References in a topic's content are inert:
    content is never given to this function.
    """
    return [*_structured(actions), *action_references(actions_text)]


def tool_targets(actions: object, actions_text: str) -> list[str]:
    """Return the names of the tools a topic runs, in order and without repeats."""
    found = topic_actions(actions, actions_text)
    return list(dict.fromkeys(action.target for action in found if action.kind == "run_tool"))


def handoff_targets(actions: object, actions_text: str) -> list[str]:
    """Return the names of the destinations a topic hands off to, in order, whenever it does."""
    listed = [one for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
    names = [str(one.get("target", "")) for one in listed if one.get("kind") == "handoff"]
    names += [one.target for one in action_references(actions_text) if one.kind == "handoff"]
    return list(dict.fromkeys(name for name in names if name))


def action_references(text: str) -> list[TopicAction]:
    """Read {{fn:tool}}, {{fn:tool}}('argument') and {{ho:destination}} out of an actions text."""
    return [
        TopicAction(
            kind=_KINDS[found["prefix"]],
            target=found["target"],
            arguments=_arguments(found["arguments"]) if found["prefix"] == "fn" else (),
        )
        for found in _REFERENCE.finditer(text)
    ]


def _structured(actions: object) -> Iterable[TopicAction]:
    """Skip what an editor would refuse: the list is stored as plain JSON."""
    for action in actions if isinstance(actions, list) else []:
        if not isinstance(action, dict) or action.get("when", "always") != "always":
            continue
        kind, target = action.get("kind"), action.get("target")
        known = next((name for name in _KINDS.values() if name == kind), None)
        if known and isinstance(target, str) and target:
            yield TopicAction(kind=known, target=target)


def _arguments(text: str | None) -> tuple[str | int | float | bool, ...]:
    """Read the literals between the brackets; anything else counts as no arguments."""
    if not text:
        return ()
    try:
        values = ast.literal_eval(f"({text[1:-1]},)") if text[1:-1].strip() else ()
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not all(isinstance(value, str | int | float | bool) for value in values):
        return ()
    return tuple(values)
