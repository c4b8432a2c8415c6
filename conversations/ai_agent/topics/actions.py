"""Reads what a topic does when it matches: its action list, then references in its actions text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

Kind = Literal["run_tool", "handoff", "goto_flow"]
When = Literal["always", "condition", "on_confirm", "on_answer"]
Value = str | int | float | bool

_KINDS: dict[str, Kind] = {"fn": "run_tool", "ho": "handoff"}
_REFERENCE = re.compile(
    r"\{\{\s*(?P<prefix>fn|ho)\s*:\s*(?P<target>[^{}\n()]{1,128}?)\s*"
    r"(?P<inner>\([^(){}\n]{0,500}\))?\s*\}\}(?P<arguments>\([^()\n]{0,500}\))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicAction:
    """One thing to do: run a tool, hand off, or go to a flow; and when.

    `arguments` go to a tool by place, `named` by name. `answers` are phrases of the end user's for
    on_answer, `condition` is {fact, op, value}. A handoff without a target leaves the place to the
    project; `reason`, `utterance` and `note`, which the live agent alone reads, are the handoff's.
    """

    kind: Kind
    target: str
    when: When = "always"
    arguments: tuple[Value, ...] = ()
    named: Mapping[str, Value] = field(default_factory=dict)
    condition: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    reason: str = ""
    utterance: str = ""
    note: str = ""


def topic_actions(actions: object, actions_text: str) -> list[TopicAction]:
    """Return what a topic does, structured list first, then references in the text.

    References in a topic's content are inert: content is never given to this function.
    """
    return [*_structured(actions), *action_references(actions_text)]


def tool_targets(actions: object, actions_text: str) -> list[str]:
    """Return the names of the tools a topic may run, in order and without repeats."""
    return _targets(actions, actions_text, "run_tool")


def handoff_targets(actions: object, actions_text: str) -> list[str]:
    """Return the names of the destinations a topic may hand off to, without repeats."""
    return _targets(actions, actions_text, "handoff")


def action_references(text: str) -> list[TopicAction]:
    """Read {{fn:tool}}, {{fn:tool(arg="x")}}, {{fn:tool}}('x') and {{ho:destination}}."""
    return [_reference(found) for found in _REFERENCE.finditer(text)]


def arguments_read(text: str) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """Read the literals between brackets, by place and by name.

    Raises ValueError for anything that is no literal.
    """
    try:
        call = ast.parse(f"f({text.strip()})", mode="eval").body
    except (SyntaxError, MemoryError, RecursionError, ValueError) as error:
        raise ValueError("no list of arguments") from error
    if not isinstance(call, ast.Call) or any(word.arg is None for word in call.keywords):
        raise ValueError("no list of arguments")
    named = {str(word.arg): _literal(word.value) for word in call.keywords}
    return tuple(_literal(one) for one in call.args), named


def _targets(actions: object, actions_text: str, kind: Kind) -> list[str]:
    found = topic_actions(actions, actions_text)
    return list(dict.fromkeys(one.target for one in found if one.kind == kind and one.target))


def _reference(found: re.Match[str]) -> TopicAction:
    kind = _KINDS[found["prefix"]]
    written = found["inner"] or found["arguments"]
    places, named = _arguments(written) if kind == "run_tool" and written else ((), {})
    return TopicAction(kind=kind, target=found["target"], arguments=places, named=named)


def _arguments(written: str) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """Read what stands in brackets; anything that is no literal counts as no arguments."""
    try:
        return arguments_read(written[1:-1])
    except ValueError:
        return (), {}


def _literal(node: ast.expr) -> Value:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, str | int | float | bool):
        raise ValueError("neither a text, a number, True nor False")
    return value


def _structured(actions: object) -> Iterator[TopicAction]:
    """Skip what an editor would refuse: the list is stored as plain JSON."""
    for action in actions if isinstance(actions, list) else []:
        if isinstance(action, dict) and (found := _action(action)) is not None:
            yield found


def _action(stored: Mapping[str, Any]) -> TopicAction | None:
    kind, target, when = stored.get("kind"), stored.get("target"), stored.get("when", "always")
    if kind not in get_args(Kind) or when not in get_args(When) or not isinstance(target, str):
        return None
    if not target and kind != "handoff":
        return None
    args = _pairs(stored.get("args"))
    is_handoff = kind == "handoff"
    answers = stored.get("answers")
    return TopicAction(
        kind=cast(Kind, kind),
        target=target,
        when=cast(When, when),
        named={} if is_handoff else args,
        condition=_pairs(stored.get("condition")),
        answers=tuple(map(str, answers)) if isinstance(answers, list) else (),
        reason=str(args.get("reason", "")) if is_handoff else "",
        utterance=str(args.get("utterance", "")) if is_handoff else "",
        note=str(args.get("note", "")) if is_handoff else "",
    )


def _pairs(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
