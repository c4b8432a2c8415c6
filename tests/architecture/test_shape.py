"""The house rules that a machine can judge: sizes, names, docstrings, broad catches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, python_files, relative

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
# Where anything may go wrong that we did not foresee; each logs the traceback.
BROAD_CATCHES = 2
# Runs inside the sandbox; conv_stub.pyi and docs/builders.md say what it offers.
IN_SANDBOX = "prelude.py"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions() -> Iterator[tuple[Path, Function]]:
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield path, node


def test_no_file_is_too_long() -> None:
    sizes = {relative(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files()}

    assert {name: size for name, size in sizes.items() if size > MAX_FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    long = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path, node in _functions()
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]

    assert long == []


def test_modules_are_named_for_what_they_do() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "base.py"}

    assert [relative(path) for path in python_files() if path.name in vague] == []


def test_packages_are_empty() -> None:
    # config loads the Celery app; Django finds models by their package.
    allowed = {"config/__init__.py", "integrations/models/__init__.py"}
    allowed.add("conversations/models/__init__.py")
    full = {relative(p) for p in python_files() if p.name == "__init__.py" and p.stat().st_size}

    assert full <= allowed


def test_public_functions_and_modules_say_what_they_are_for() -> None:
    silent = [relative(p) for p in python_files() if p.stat().st_size and not _docstring(p)]
    silent += [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path, node in _functions()
        if not node.name.startswith("_")
        and path.name != IN_SANDBOX
        and not ast.get_docstring(node)
        and not _is_inner(path, node)
    ]

    assert silent == []


def test_broad_catches_are_rare() -> None:
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]

    assert len(found) <= BROAD_CATCHES, found


def test_top_level_holds_what_the_owner_fixed() -> None:
    fixed = {"manage.py", "config", "integrations", "handoffs", "conversations", "templates"}
    fixed |= {"requirements.txt", "tests"}
    beside = {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "docs"}
    beside |= {"requirements-runtime.txt"}
    made = {"var", "node_modules"}
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made

    assert fixed <= seen
    assert seen - fixed - beside - {"__pycache__"} == set()


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def _is_inner(path: Path, wanted: Function) -> bool:
    """What stands in a function or a private class is explained by the one around it."""
    return any(
        node is not wanted
        and (isinstance(node, Function) or (isinstance(node, ast.ClassDef) and node.name[0] == "_"))
        and node.lineno < wanted.lineno <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
