"""Judges what stands behind a tool's `return`, as far as it is written down in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from conversations.ai_agent.returned import (
    ReturnProblem,
    key_problems,
    silence_problem,
    spoken,
    type_problems,
)

Finding = tuple[int, int, ReturnProblem]

# Values that can be told from their spelling, and that no tool may return.
_WRONG_KINDS = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp)
_TALKS = frozenset({"say", "call_handoff"})


def return_findings(tree: ast.Module, function_name: str) -> Iterator[Finding]:
    """Yield (line, column, problem) for each literal that the tool returns."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == function_name:
            talks = any(isinstance(n, ast.Attribute) and n.attr in _TALKS for n in ast.walk(tree))
            for value in _returned(function):
                yield from _value_findings(value, talks=talks)


def _returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what the function itself returns, each branch of a conditional by itself."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _branches(node.value)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    else:
        yield value


def _value_findings(value: ast.expr, *, talks: bool) -> Iterator[Finding]:
    if isinstance(value, ast.Dict):
        yield from _dict_findings(value, talks=talks)
        return
    is_constant = isinstance(value, ast.Constant) and not isinstance(value.value, str | None)
    if is_constant or isinstance(value, _WRONG_KINDS):
        message = "a tool must return None, a text or a dict"
        yield value.lineno, value.col_offset + 1, ReturnProblem("error", "return", message)


def _dict_findings(node: ast.Dict, *, talks: bool) -> Iterator[Finding]:
    places = {
        key.value: (key.lineno, key.col_offset + 1)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    if len(places) != len(node.keys) or "handoff" in places:
        return
    known = dict(_known(places, node.values))
    problems = [*key_problems(places), *type_problems(known)]
    does_something = spoken((), known) or known.get("hangup") is True
    if len(known) == len(places) and not (problems or talks or does_something):
        problems = [silence_problem(known)]
    for problem in problems:
        yield *places.get(problem.key, (node.lineno, node.col_offset + 1)), problem


def _known(keys: Iterable[str], values: list[ast.expr]) -> Iterator[tuple[str, object]]:
    """Yield the values that do not depend on the run."""
    for key, value in zip(keys, values, strict=True):
        try:
            yield key, ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
