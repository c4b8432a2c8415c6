"""Finds literal handoff payloads in a tool's source and has them judged, with their lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
Arguments = dict[str, object]


class PayloadFinding(NamedTuple):
    """One thing about a payload; `page` names the portal's page on which it can be mended.

    A certain finding holds whatever turns up in the places that are known only at run time.
    """

    severity: Severity
    path: str
    message: str
    page: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class HandoffCall:
    """The arguments of a `conv.call_handoff` in the source, as far as they are known."""

    arguments: Arguments


# Takes what a tool returns, or a call, and the places in it that are known only at run time.
PayloadReader = Callable[[object, Collection[str]], Iterable[PayloadFinding]]
Finding = tuple[int, int, PayloadFinding]

_CALL = "call_handoff"
_CALL_ORDER = ("destination", "reason", "utterance", "sip_headers", "route")
_CALL_NAMES = frozenset({*_CALL_ORDER, "data", "hints"})


class _UnknownValueError(Exception):
    """The value is only known when the tool runs."""


class _Literal:
    """Evaluates a dict literal as far as it is known; remembers places, and what was left out."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self.left_out: set[str] = set()

    def value(self, node: ast.expr, path: str) -> object:
        self.places.setdefault(path, (node.lineno, node.col_offset + 1))
        if isinstance(node, ast.Dict):
            return self.dict(node, path)
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(item, f"{path}[{at}]") for at, item in enumerate(node.elts)]
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise _UnknownValueError from None

    def dict(self, node: ast.Dict, path: str) -> dict[object, object]:
        found: dict[object, object] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str | int):
                raise _UnknownValueError
            at = f"{path}.{key.value}" if path else str(key.value)
            self.places[at] = (key.lineno, key.col_offset + 1)
            try:
                found[key.value] = self.value(item, at)
            except _UnknownValueError:
                self.left_out.add(at)
        return found

    def call(self, node: ast.Call) -> Arguments:
        """Evaluate the arguments of a call; without a known destination there is nothing to say."""
        self.places[""] = (node.lineno, node.col_offset + 1)
        named = dict(zip(_CALL_ORDER, node.args, strict=False))
        named |= {one.arg: one.value for one in node.keywords if one.arg in _CALL_NAMES}
        is_open = any(isinstance(one, ast.Starred) for one in node.args)
        if is_open or any(word.arg is None for word in node.keywords):
            raise _UnknownValueError
        found: Arguments = {}
        for name, item in named.items():
            try:
                found[name] = self.value(item, name)
            except _UnknownValueError:
                self.left_out.add(name)
        if "destination" not in found:
            raise _UnknownValueError
        return found

    def place(self, path: str) -> tuple[int, int]:
        """Return where a path is written, or the nearest thing around it that is."""
        while path not in self.places and path:
            path = path.rpartition(".")[0]
        return self.places[path]

    def is_judged(self, path: str) -> bool:
        """Tell whether a finding stands although something beside it was left out."""
        return not any(
            out == path or out.startswith(f"{path}[") or out.rpartition(".")[0] == path
            for out in self.left_out
        ) and not any(path.startswith(f"{out}.") for out in self.left_out)


def payload_findings(tree: ast.Module, read: PayloadReader) -> Iterator[Finding]:
    """Yield (line, column, finding) for each literal payload in the source."""
    for node in ast.walk(tree):
        literal = _Literal()
        try:
            found = _payload(node, literal)
        except _UnknownValueError:
            continue
        if found is None:
            continue
        for finding in read(found, literal.left_out):
            if finding.is_certain or literal.is_judged(finding.path):
                yield *literal.place(finding.path), finding


def _payload(node: ast.AST, literal: _Literal) -> object:
    """Return the payload that a node writes down, or None; raises _UnknownValueError."""
    if isinstance(node, ast.Dict) and _has_handoff(node):
        return literal.value(node, "")
    if isinstance(node, ast.Call) and _is_call_handoff(node):
        return HandoffCall(literal.call(node))
    return None


def _is_call_handoff(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == _CALL


def _has_handoff(node: ast.Dict) -> bool:
    return any(isinstance(key, ast.Constant) and key.value == "handoff" for key in node.keys)
