"""Reads the project's own source for the tests that judge its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("config", "integrations", "handoffs", "conversations")
# Path from the root -> text: the real tree, or one that a test makes up.
Sources = Mapping[str, str]


class Import(NamedTuple):
    """One name that a file takes; `is_typing` where it is loaded for the type checker alone."""

    line: int
    name: str
    is_typing: bool


@cache
def project() -> Sources:
    """Return every Python file of the four apps and manage.py, migrations left out."""
    paths = [ROOT / "manage.py"]
    for app in APPS:
        paths += [p for p in sorted((ROOT / app).rglob("*.py")) if "migrations" not in p.parts]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@cache
def suite() -> Sources:
    """Return every Python file of tests/."""
    paths = sorted((ROOT / "tests").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@cache
def parsed(text: str) -> ast.Module:
    """Parse a file once for all tests."""
    return ast.parse(text)


def module_of(path: str) -> str:
    """Return the dotted name of a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(path: str, text: str) -> Iterator[Import]:
    """Yield what a file imports, by full name: absolute, relative, and by import_module("...")."""
    yield from _imports_of(path, text)


@cache
def _imports_of(path: str, text: str) -> tuple[Import, ...]:
    tree = parsed(text)
    typing = {id(node) for block in ast.walk(tree) if _is_typing(block) for node in ast.walk(block)}
    found = []
    for node in ast.walk(tree):
        for name in _names(node, path):
            found.append(Import(getattr(node, "lineno", 0), name, id(node) in typing))
    return tuple(found)


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _names(node: ast.AST, path: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        origin = _origin(node, path)
        yield from (f"{origin}.{alias.name}".strip(".") for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
        ("import_module", "__import__")
    ):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _origin(node: ast.ImportFrom, path: str) -> str:
    """Return the module that a `from` names, its leading dots resolved."""
    if not node.level:
        return node.module or ""
    folders = path.split("/")[: -node.level]
    return ".".join([*folders, *([node.module] if node.module else [])])


def room_of(module: str, known: frozenset[str] | set[str]) -> str:
    """Return the folder of a module as a dotted name; a file at an app's root is its own room."""
    while module not in known and "." in module:
        module = module.rpartition(".")[0]
    folder = module.rpartition(".")[0]
    return folder if "." in folder else module
