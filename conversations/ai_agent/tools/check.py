"""Checks a tool's source when it is saved: what would fail at run time is named with its line."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic_monty import MontyCrashedError, MontyError, MontyTypingError, ResourceLimits

from conversations.ai_agent.entities.parameters import differences, signature_of
from conversations.ai_agent.sandbox.errors import AVAILABLE_MODULES, USEFUL_MODULES
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import MAX_SOURCE_CHARS
from conversations.ai_agent.sandbox.workers import WORKERS
from conversations.ai_agent.tools.means_lint import Means, means_findings
from conversations.ai_agent.tools.payload_lint import PayloadReader, payload_findings
from conversations.ai_agent.tools.return_lint import return_findings

STUB = (Path(__file__).parent.parent / "conv_stub.pyi").read_text(encoding="utf-8")
CHECK_LIMITS = ResourceLimits(
    max_feed_duration_secs=2.0, max_total_sleep_secs=0.0, max_memory=64 * 1024 * 1024
)

# The portal runs these by itself, at the beginning and at the end.
RUN_BY_US = ("start_function", "end_function")
CONV_TYPE = b": Conversation"

# Findings of the type check that mean the line cannot work, and what we call them.
TYPE_FINDINGS: dict[str, Literal["error", "warning"]] = {
    "unresolved-attribute": "error",
    "unresolved-reference": "error",
    "missing-argument": "error",
    "unknown-argument": "error",
    "too-many-positional-arguments": "error",
    "call-non-callable": "error",
    "invalid-argument-type": "warning",
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding; `line` and `column` count from 1. An error will fail when the tool runs."""

    line: int
    column: int
    severity: Literal["error", "warning"]
    message: str
    # The portal's page on which it can be mended, by the name of its address.
    page: str = ""


def tool_check(
    source: str,
    function_name: str,
    *,
    payload_reader: PayloadReader | None = None,
    means: Means | None = None,
    parameters: object = None,
    project_key: str = "",
    workspace_key: str = "",
) -> list[Problem]:
    """List the problems of a tool's source in the order of its lines; an empty list is good.

    `payload_reader` judges a literal payload in the source and lists what it finds. This app may
    not know payloads itself, so the caller brings it. `means` is what the project's tools can use,
    `parameters` the list on the tool's page.
    """
    if len(source) > MAX_SOURCE_CHARS:
        return [Problem(1, 1, "error", f"the source is longer than {MAX_SOURCE_CHARS} characters")]
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [Problem(error.lineno or 1, error.offset or 1, "error", f"syntax: {error.msg}")]
    except (ValueError, MemoryError, RecursionError):
        return [
            Problem(1, 1, "error", "the source cannot be read: nested too deeply, or NUL in it")
        ]
    found = [*_function_problems(tree, function_name), *_unsupported(tree)]
    if not found:
        found = list(_type_problems(source, tree, function_name, (project_key, workspace_key)))
    found += [
        Problem(line, column, one.severity, f"{one.key}: {one.message}".removeprefix(": "))
        for line, column, one in return_findings(tree, function_name)
    ]
    found += _parameter_problems(tree, source, function_name, parameters)
    if means is not None:
        found += [
            Problem(one.line, one.column, "warning", one.message, one.page)
            for one in means_findings(tree, function_name, means)
        ]
    if payload_reader is not None:
        found += [
            Problem(line, column, one.severity, f"{one.path}: {one.message}", one.page)
            for line, column, one in payload_findings(tree, payload_reader)
        ]
    return sorted(set(found))


def _function_problems(tree: ast.Module, name: str) -> Iterator[Problem]:
    """The function must be there, plain, and take `conv` first."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    wanted = next((function for function in reversed(functions) if function.name == name), None)
    if wanted is None:
        there = ", ".join(function.name for function in functions) or "none"
        message = f"no function named {name} at the top level; found: {there}"
        yield Problem(functions[0].lineno if functions else 1, 1, "error", message)
        return
    if isinstance(wanted, ast.AsyncFunctionDef):
        yield _at(wanted, "a tool cannot be async")
    parameters = [*wanted.args.posonlyargs, *wanted.args.args]
    if not parameters or parameters[0].arg != "conv":
        yield _at(wanted, f"the first parameter of {name} must be conv")


def _parameter_problems(
    tree: ast.Module, source: str, name: str, parameters: object
) -> Iterator[Problem]:
    """Say where the function and the list of its parameters differ, at the function's line."""
    named = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    function = next(named, None)
    if function is None:
        return
    taken = [one.name for one in signature_of(source, name) if one.is_required]
    if name in RUN_BY_US and taken:
        message = f"{name} takes conv alone: nobody could give it {', '.join(taken)}"
        yield _at(function, message)
    for message in differences(source, name, parameters):
        yield Problem(function.lineno, function.col_offset + 1, "warning", message)


def _unsupported(tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        message = next((say(node) for kind, say in _REFUSALS if isinstance(node, kind)), None)
        if message:
            yield _at(node, message)


def _class_refusal(node: ast.AST) -> str | None:
    is_derived = isinstance(node, ast.ClassDef) and (node.bases or node.keywords)
    return "tools cannot use class inheritance" if is_derived else None


def _import_refusal(node: ast.AST) -> str | None:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = ["." * node.level + (node.module or "")]
    missing = [name for name in names if name.split(".")[0] not in AVAILABLE_MODULES]
    if not missing:
        return None
    return (
        f"tools cannot import {', '.join(missing)}; conv and its classes need no import, "
        f"and these modules are there: {USEFUL_MODULES}"
    )


_REFUSALS: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], Callable[..., str | None]], ...]
_REFUSALS = (
    ((ast.Yield, ast.YieldFrom), lambda node: "tools cannot use yield; build a list instead"),
    (
        ast.Delete,
        lambda node: 'tools cannot use del; use .pop("key", None), also on conv.state',
    ),
    (ast.ClassDef, _class_refusal),
    (ast.TryStar, lambda node: "tools cannot use except*"),
    ((ast.Import, ast.ImportFrom), _import_refusal),
)


def _type_problems(
    source: str, tree: ast.Module, function_name: str, keys: tuple[str, str]
) -> Iterator[Problem]:
    """Have the sandbox type-check the source; its definitions run there, with nothing to reach."""
    mark = _bare_conv(tree, function_name)
    try:
        project_key, workspace_key = keys
        with WORKERS.session(
            project_key, CHECK_LIMITS, workspace_key=workspace_key, stubs=STUB
        ) as session:
            session.feed_run(_annotated(source, mark), print_callback=_drop)
    except MontyTypingError as error:
        yield from _type_findings(error.display(), tree, mark)
    except MontyCrashedError:
        yield Problem(1, 1, "warning", "not fully checked: the check took too long; save again")
    except MontyError as error:
        frames = error.traceback() if hasattr(error, "traceback") else []
        line, column = (frames[-1].line, frames[-1].column) if frames else (1, 1)
        yield Problem(line, column, "error", f"the sandbox refuses this: {str(error)[:300]}")
    except ToolError as error:
        yield Problem(1, 1, "warning", f"not fully checked: {error.message}")


def _drop(stream: str, text: str) -> None:
    """Prints at save time interest nobody."""


def _bare_conv(tree: ast.Module, function_name: str) -> tuple[int, int] | None:
    """Return the line, and the byte after the name, of a `conv` parameter without annotation."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function_name:
            first = [*node.args.posonlyargs, *node.args.args][0]
            if first.annotation is None:
                return first.lineno, first.end_col_offset or 0
    return None


def _annotated(source: str, mark: tuple[int, int] | None) -> str:
    """Give a bare `conv` its type, within its line, so that its attributes are checked."""
    if mark is None:
        return source
    lines = source.encode().split(b"\n")
    line = lines[mark[0] - 1]
    lines[mark[0] - 1] = line[: mark[1]] + CONV_TYPE + line[mark[1] :]
    return b"\n".join(lines).decode()


def _type_findings(
    report: str, tree: ast.Module, mark: tuple[int, int] | None
) -> Iterator[Problem]:
    """Keep what will fail; annotations may name types that only the builder's editor knows."""
    spans = list(_annotation_spans(tree))
    for finding in json.loads(report):
        severity, message = TYPE_FINDINGS.get(finding["code"]), finding["message"].replace("`", "")
        line, column = finding["location"]["row"], finding["location"]["column"]
        if mark is not None and line == mark[0] and column > mark[1]:
            column -= len(CONV_TYPE)
        if severity is None or any(start <= (line, column) <= end for start, end in spans):
            continue
        # Something that may be None is a doubt, not a certain failure.
        yield Problem(line, column, "warning" if " in union " in message else severity, message)


def _annotation_spans(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(tree):
        found: ast.expr | None = None
        if isinstance(node, ast.arg | ast.AnnAssign):
            found = node.annotation
        elif isinstance(node, ast.FunctionDef):
            found = node.returns
        if found is not None:
            end = found.end_lineno or found.lineno, found.end_col_offset or found.col_offset
            yield (found.lineno, found.col_offset + 1), end


def _at(node: ast.AST, message: str) -> Problem:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return Problem(line, column + 1, "error", message)
