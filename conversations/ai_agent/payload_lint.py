"""Finds literal handoff payloads in a tool's source and has them judged, with their lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, cast

Severity = Literal["error", "warning"]
PayloadReader = Callable[[object], Iterable[tuple[str, str, str]]]
Finding = tuple[int, int, Severity, str, str]


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
    """Yield (line, column, severity, path, message) for each literal payload in the source."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict) or not _has_handoff(node):
            continue
        literal = _Literal()
        try:
            returned = literal.value(node, "")
        except _UnknownValueError:
            continue
        for severity, path, message in read(returned):
            if literal.is_judged(path):
                line, column = literal.place(path)
                yield line, column, cast(Severity, severity), path, message


def _has_handoff(node: ast.Dict) -> bool:
    return any(isinstance(key, ast.Constant) and key.value == "handoff" for key in node.keys)
