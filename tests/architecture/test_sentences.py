"""What an end user reads stands in one table: nothing beside it is written into a conversation."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from integrations.behaviour.sentences import SENTENCES
from tests.architecture.sources import Sources, project

# Calls whose argument an end user reads: which one, by place and by name.
READ_BY_END_USER = {
    "system_event": (0, "message"),
    "message_event": (1, "text"),
    "error_frame": (1, "message"),
    "texts_said": (0, "texts"),
}
# Calls that take a sentence's key: where it stands.
TAKE_A_KEY = {
    "sentence": 0,
    "own_or": 1,
    "text_for": 1,
    "NotAllowedError": 0,
    "ConversationEndedError": 0,
    "RateLimitedError": 0,
    "TooLargeError": 0,
}
# Protocol errors are for whoever writes the client; a widget does not show them.
FOR_PROGRAMS = {"bad_json", "unknown_event"}
APPS = ("conversations/", "handoffs/")


def test_every_text_for_an_end_user_comes_from_the_table() -> None:
    assert list(_beside_the_table(project())) == []


@pytest.mark.parametrize(
    "planted",
    [
        "system_event('Hold the line.', code='hold')",
        "system_event(f'{name} is here.', code='here')",
        "message_event(EventType.POLY_AGENT_MESSAGE, 'Hold the line.')",
        "error_frame('rate_limited', 'Hold the line.')",
        "TEXT = 'Hold the line.'\nsystem_event(TEXT, code='hold')",
        "def say():\n    text = 'Hold the line.'\n    system_event(text, code='hold')",
        "Turn(messages=texts_said('Hold the line.'))",
        "NewEvent(type=EventType.HANDOFF_FAILED, payload={'message': 'Hold the line.'})",
        "raise NotAllowedError('Hold the line.')",
        "raise RateLimitedError(self._text)",
        "text_for(handoff, 'no_such_sentence')",
    ],
)
def test_a_planted_text_is_found(planted: str) -> None:
    assert list(_beside_the_table({"handoffs/novel.py": planted}))


def test_every_sentence_is_said_somewhere() -> None:
    said = {
        node.value
        for path, text in project().items()
        if path.startswith(APPS)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    unsaid = [key for key in SENTENCES if key.removesuffix("_unnamed") not in said]

    assert unsaid == []


def _beside_the_table(sources: Sources) -> Iterator[str]:
    for path, text in sources.items():
        if path.startswith(APPS):
            tree = ast.parse(text)
            literals = {
                target.id: node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name) and _is_text(node.value)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and _writes_its_own(node, literals):
                    yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def _writes_its_own(call: ast.Call, literals: dict[str, ast.expr]) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in TAKE_A_KEY and len(call.args) > TAKE_A_KEY[name]:
        key = call.args[TAKE_A_KEY[name]]
        is_error = name.endswith("Error")
        return (_is_text(key) or is_error) and getattr(key, "value", "") not in SENTENCES
    return any(
        _is_text(part) or (isinstance(part, ast.Name) and part.id in literals)
        for argument in _read(name, call)
        for part in _said_by(argument)
    )


def _read(name: str, call: ast.Call) -> Iterator[ast.expr]:
    if name == "NewEvent":
        dicts = [
            part for one in call.keywords for part in ast.walk(one) if isinstance(part, ast.Dict)
        ]
        for found in dicts:
            yield from (
                value
                for key, value in zip(found.keys, found.values, strict=True)
                if getattr(key, "value", "") in ("message", "text")
            )
    if name not in READ_BY_END_USER or _is_for_programs(call):
        return
    place, keyword = READ_BY_END_USER[name]
    if place is not None and len(call.args) > place:
        yield call.args[place]
    yield from (one.value for one in call.keywords if one.arg == keyword)


def _is_for_programs(call: ast.Call) -> bool:
    return bool(call.args) and getattr(call.args[0], "value", "") in FOR_PROGRAMS


def _said_by(argument: ast.expr) -> Iterator[ast.expr]:
    """Yield the argument's parts, but for what is handed to another call or names a field."""
    yield argument
    if not isinstance(argument, ast.Call | ast.Subscript):
        for part in ast.iter_child_nodes(argument):
            if isinstance(part, ast.expr):
                yield from _said_by(part)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)
