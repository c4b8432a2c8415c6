"""The rows in which a topic's actions are edited: what is typed, as text, and what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.http import QueryDict

from conversations.ai_agent.topics.actions import arguments_read
from conversations.ai_agent.topics.rules import OPERATORS, WITHOUT_VALUE
from integrations.kit.json_values import count_read

PREFIX = "action_"
ROWS_MAX = 10
# By the word that is stored: when an action is done.
WHENS: Mapping[str, str] = {
    "always": "At once",
    "condition": "At once, if …",
    "on_confirm": "When the end user agrees",
    "on_answer": "When the answer is like …",
}
KINDS = ("run_tool", "handoff", "goto_flow")
# What a handoff is told.
HANDOFF_ARGS = ("reason", "utterance", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """A row as it is typed; `target` is kind:name, such as run_tool:find_order."""

    target: str = ""
    when: str = "always"
    arguments: str = ""
    reason: str = ""
    utterance: str = ""
    note: str = ""
    answers: str = ""
    fact: str = ""
    op: str = "is"
    value: str = ""

    @property
    def kind(self) -> str:
        """Return what it does; a target without a kind is a tool."""
        kind, colon, _ = self.target.partition(":")
        return kind if colon and kind in KINDS else "run_tool"

    @property
    def name(self) -> str:
        """Return the tool, destination or flow; empty for the project's own choice."""
        return self.target.partition(":")[2] if ":" in self.target else self.target

    def stored(self) -> dict[str, Any]:
        """Return the action as it is kept; raises ValueError for arguments that cannot be read."""
        action: dict[str, Any] = {"kind": self.kind, "target": self.name, "when": self.when}
        if self.kind == "handoff":
            told = {name: getattr(self, name).strip() for name in HANDOFF_ARGS}
            args: dict[str, Any] = {name: text for name, text in told.items() if text}
        else:
            args = _named(self.arguments) if self.kind == "run_tool" else {}
        if args:
            action["args"] = args
        if self.when == "condition":
            action["condition"] = _condition(self.fact, self.op, self.value)
        if self.when == "on_answer":
            action["answers"] = [one.strip() for one in self.answers.split(",") if one.strip()]
        return action


def _named(text: str) -> dict[str, Any]:
    places, named = arguments_read(text)
    if places:
        raise ValueError('Name each argument, such as order="A-7", is_gift=True.')
    return dict(named)


def _condition(fact: str, op: str, value: str) -> dict[str, str]:
    found = {"fact": fact.strip(), "op": op}
    return found if op in WITHOUT_VALUE else found | {"value": value.strip()}


def rows_of(actions: Sequence[Mapping[str, Any]]) -> list[ActionRow]:
    """Return the rows that would store these actions."""
    return [_row(one) for one in actions]


def rows_posted(posted: QueryDict) -> list[ActionRow]:
    """Return the rows of a form; a column that is shorter than the targets has its defaults."""
    names = [field.name for field in fields(ActionRow)]
    columns = {name: posted.getlist(f"{PREFIX}{name}") for name in names}
    return [
        ActionRow(**{name: column[at] for name, column in columns.items() if at < len(column)})
        for at in range(len(columns["target"]))
    ]


def rows_move(rows: Sequence[ActionRow], command: str) -> list[ActionRow]:
    """Return the rows after a button of theirs was pressed: add, remove:1, up:1 or down:1."""
    verb, _, number = command.partition(":")
    moved = list(rows)
    if verb == "add":
        return [*moved, ActionRow()] if len(moved) < ROWS_MAX else moved
    at = count_read(number)
    if at is None or at >= len(moved):
        return moved
    row = moved.pop(at)
    if verb == "remove":
        return moved
    moved.insert(max(0, at - 1) if verb == "up" else at + 1, row)
    return moved


def operators() -> list[tuple[str, str]]:
    """Return the comparisons that a form offers."""
    return [(name, words) for name, (words, _) in OPERATORS.items()]


def _row(action: Mapping[str, Any]) -> ActionRow:
    args, condition = action.get("args") or {}, action.get("condition") or {}
    is_handoff = action.get("kind") == "handoff"
    told = {name: str(args.get(name, "")) for name in HANDOFF_ARGS} if is_handoff else {}
    written = "" if is_handoff else ", ".join(f"{name}={value!r}" for name, value in args.items())
    return ActionRow(
        target=f"{action.get('kind', 'run_tool')}:{action.get('target', '')}",
        when=str(action.get("when", "always")),
        arguments=written,
        answers=", ".join(action.get("answers") or []),
        fact=str(condition.get("fact", "")),
        op=str(condition.get("op", "is")),
        value=str(condition.get("value", "")),
        **told,
    )
