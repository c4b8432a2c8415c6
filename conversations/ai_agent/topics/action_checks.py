"""What is wrong with a topic's actions: names that nobody has, questions without a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from conversations.ai_agent.entities.parameters import tool_parameters, value_fit
from conversations.ai_agent.topics.action_rows import ROWS_MAX, WHENS
from conversations.ai_agent.topics.rules import condition_problem
from conversations.models import Topic

REASON_MAX, UTTERANCE_MAX, NOTE_MAX = 128, 1000, 1000
_NAMES = {"run_tool": "tool", "handoff": "destination", "goto_flow": "flow"}


def action_problems(topic: Topic) -> list[ValidationError]:
    """Return a sentence for each action at fault, with the number of its row."""
    if len(topic.actions) > ROWS_MAX:
        return [ValidationError(f"A topic takes at most {ROWS_MAX} actions.")]
    known = _known(topic)
    found = []
    for number, action in enumerate(topic.actions, start=1):
        for code, problem in _problems(topic, action, known):
            found.append(ValidationError(f"Action {number}: {problem}", code=code))
    return found


def _known(topic: Topic) -> Mapping[str, set[str]]:
    project = topic.project
    return {
        "run_tool": set(project.tools.values_list("name", flat=True)),
        "handoff": set(project.destinations.values_list("name", flat=True)),
        "goto_flow": set(project.flows.values_list("name", flat=True)),
    }


def _problems(
    topic: Topic, action: Mapping[str, Any], known: Mapping[str, set[str]]
) -> Iterator[tuple[str, str]]:
    kind, target, when = str(action.get("kind")), action.get("target", ""), action.get("when")
    if kind not in known:
        yield "kind_unknown", "choose what it does."
    elif target not in known[kind] and (target or kind != "handoff"):
        word = _NAMES[kind]
        yield f"{word}_missing", f"there is no {word} named {target} any more. Pick another one."
    elif kind == "run_tool":
        yield from _argument_problems(topic, target, action.get("args") or {})
    if when not in WHENS:
        yield "when_unknown", "choose when it is done."
    if when == "condition" and (problem := condition_problem(action.get("condition") or {})):
        yield "condition", problem[0].lower() + problem[1:]
    if when == "on_answer" and not action.get("answers"):
        yield "answers", "write the answers it belongs to, separated by commas."
    if when in ("on_confirm", "on_answer") and not topic.content.strip():
        yield "no_question", "write into the content what the AI agent asks before it."
    yield from _handoff_problems(action)


def _argument_problems(
    topic: Topic, target: str, given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Name the arguments that the tool has no place for, and those of another type."""
    if not given:
        return
    taken = {one.name: one for one in tool_parameters(topic.project.tools.get(name=target))}
    for name, value in given.items():
        if name not in taken:
            there = ", ".join(taken) or "nothing"
            yield "argument", f"{target} has no parameter {name}; it takes {there}."
        elif value_fit(taken[name], value) is None:
            kind = taken[name].kind.label.lower()
            yield "argument", f"{name} is no {kind}, which {target} takes there."


def _handoff_problems(action: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    args = action.get("args") or {}
    if action.get("kind") != "handoff":
        return
    if len(str(args.get("reason", ""))) > REASON_MAX:
        yield "reason", f"a reason has at most {REASON_MAX} characters."
    if len(str(args.get("utterance", ""))) > UTTERANCE_MAX:
        yield "utterance", f"what is said before has at most {UTTERANCE_MAX} characters."
    if len(str(args.get("note", ""))) > NOTE_MAX:
        yield "note", f"a private note has at most {NOTE_MAX} characters."
