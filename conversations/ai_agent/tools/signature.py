"""A tool's parameters: as lines of the editor, and held against its function's signature."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conversations.ai_agent.conv.parameters import TYPE_OF_KIND, TYPES
from conversations.ai_agent.entities.reading import ENTITY_KINDS

PARAMETERS_MAX = 20
QUESTION_MAX = 300
# An enum needs a list of options, for which these lines have no place.
KINDS = tuple(key for key in ENTITY_KINDS if key != "enum")
_LINE = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?P<optional>\?)?\s+(?P<kind>\w+)\s*(?::\s*(?P<rest>.*))?"
)
_ANNOTATIONS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}

Finding = tuple[int, int, str]


def parameters_read(text: str) -> list[dict[str, Any]]:
    """Read lines such as `order alphanumeric: Which order is it?`; raises ValueError with one.

    A question mark behind the name makes it optional.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            one = _parameter(line.strip(), number)
            if one["name"] in found:
                raise ValueError(f"Line {number}: {one['name']} stands there twice.")
            found[one["name"]] = one
    if len(found) > PARAMETERS_MAX:
        raise ValueError(f"A tool takes at most {PARAMETERS_MAX} parameters.")
    return list(found.values())


def parameters_text(parameters: Sequence[Mapping[str, Any]]) -> str:
    """Return parameters as the lines that they are read from."""
    return "\n".join(map(_line, parameters))


def signature_findings(
    tree: ast.Module, function_name: str, parameters: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Name what differs between a function's signature and its parameters."""
    function = next(
        (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function_name), None
    )
    if function is None:
        return
    taken = [*function.args.posonlyargs, *function.args.args][1:]
    without_default = len(taken) - min(len(function.args.defaults), len(taken))
    declared = {one["name"]: one for one in parameters}
    for number, argument in enumerate(taken):
        one = declared.pop(argument.arg, None)
        if one is None and number < without_default:
            message = f"{argument.arg} is given by nobody: describe it under Parameters"
            yield argument.lineno, argument.col_offset + 1, message
        elif one is not None:
            yield from _type_finding(argument, one)
    if function.args.kwarg is None:
        for name in declared:
            message = f"{function_name} has no parameter {name}, which Parameters describes"
            yield function.lineno, function.col_offset + 1, message


def _type_finding(argument: ast.arg, declared: Mapping[str, Any]) -> Iterator[Finding]:
    annotated = argument.annotation
    wanted = _ANNOTATIONS.get(annotated.id) if isinstance(annotated, ast.Name) else None
    if wanted is not None and wanted != declared["type"]:
        message = f"{argument.arg} is a {wanted} here, and a {declared['type']} under Parameters"
        yield argument.lineno, argument.col_offset + 1, message


def _parameter(line: str, number: int) -> dict[str, Any]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"Line {number}: write a name, its kind, and after a colon a question.")
    kind, question = match["kind"], (match["rest"] or "").strip()
    if kind not in TYPES and kind not in KINDS:
        there = ", ".join([*TYPES, *KINDS])
        raise ValueError(f"Line {number}: {kind} is no kind. There are: {there}.")
    if len(question) > QUESTION_MAX:
        raise ValueError(f"Line {number}: a question has at most {QUESTION_MAX} characters.")
    is_type = kind in TYPES
    return {
        "name": match["name"],
        "type": kind if is_type else TYPE_OF_KIND.get(kind, "string"),
        "kind": "" if is_type else kind,
        "description": question,
        "is_required": not match["optional"],
    }


def _line(one: Mapping[str, Any]) -> str:
    mark = "" if one.get("is_required", True) else "?"
    kind = one.get("kind") or one["type"]
    question = f": {one['description']}" if one.get("description") else ""
    return f"{one['name']}{mark} {kind}{question}"
