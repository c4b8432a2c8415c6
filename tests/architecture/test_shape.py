"""The house rules that a machine can judge: sizes, names, docstrings, broad catches."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.architecture.sources import APPS, ROOT, Sources, parsed, project, suite

MAX_FILE_LINES = 500
MAX_TEST_LINES = 700
MAX_FUNCTION_LINES = 50
MAX_FILES = 14
MAX_NAMES = 14
# What Django or a reader of Django expects at the top of an app.
NOT_COUNTED = {"__init__.py", "apps.py", "admin.py", "urls.py", "urls", "migrations", "management"}
NOT_COUNTED |= {"static"}
# Where anything may go wrong that we did not foresee; each logs the traceback.
BROAD_CATCHES = 2
# Run inside the sandbox; conv_stub.pyi and docs/conv.md say what they offer.
IN_SANDBOX = tuple(
    f"conversations/ai_agent/sandbox/{name}.py" for name in ("prelude", "prelude_conv")
)
VAGUE = ("utils.py", "helpers.py", "common.py", "base.py", "misc.py", "tools.py")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(sources: Sources) -> Iterator[tuple[str, Function]]:
    for path, text in sources.items():
        for node in ast.walk(parsed(text)):
            if isinstance(node, Function):
                yield path, node


def _too_long(sources: Sources, limit: int) -> dict[str, int]:
    sizes = {path: len(text.splitlines()) for path, text in sources.items()}
    return {path: size for path, size in sizes.items() if size > limit}


def _too_full(sources: Sources) -> dict[str, int]:
    """Return the folders outside vendors/ with more Python files than a room takes."""
    counted: defaultdict[str, int] = defaultdict(int)
    for path in sources:
        folder, _, name = path.rpartition("/")
        if name != "__init__.py" and "/vendors" not in folder and folder:
            counted[folder] += 1
    return {folder: count for folder, count in counted.items() if count > MAX_FILES}


def _shown(sources: Sources, app: str) -> set[str]:
    names = {path.split("/")[1] for path in sources if path.startswith(f"{app}/")}
    return names - NOT_COUNTED


def test_no_file_is_too_long() -> None:
    assert _too_long(project(), MAX_FILE_LINES) == {}
    assert _too_long(suite(), MAX_TEST_LINES) == {}


def test_a_planted_long_file_is_found() -> None:
    planted = {"handoffs/relay/novel.py": "x = 1\n" * (MAX_FILE_LINES + 1)}

    assert list(_too_long({**project(), **planted}, MAX_FILE_LINES)) == list(planted)


def test_no_folder_holds_too_many_files() -> None:
    assert _too_full(project()) == {}


def test_a_planted_full_folder_is_found() -> None:
    planted = {f"handoffs/novel/file_{n}.py": "" for n in range(MAX_FILES + 1)}

    assert list(_too_full({**project(), **planted})) == ["handoffs/novel"]


@pytest.mark.parametrize("app", [app for app in APPS if app != "config"])
def test_an_app_shows_few_names(app: str) -> None:
    names = _shown(project(), app)

    assert len(names) <= MAX_NAMES, sorted(names)


def test_planted_names_at_the_top_are_counted() -> None:
    planted = {f"handoffs/novel_{n}.py": "" for n in range(MAX_NAMES + 1)}

    assert len(_shown(planted, "handoffs")) == MAX_NAMES + 1


def test_no_function_is_too_long() -> None:
    assert _long_functions(project()) == []


def test_a_planted_long_function_is_found() -> None:
    text = "def novel():\n" + "    x = 1\n" * MAX_FUNCTION_LINES

    assert _long_functions({"handoffs/novel.py": text}) == ["handoffs/novel.py:1 novel"]


def _long_functions(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, node in _functions(sources)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]


def test_modules_are_named_for_what_they_do() -> None:
    assert [path for path in project() if path.endswith(tuple(f"/{name}" for name in VAGUE))] == []


def test_packages_are_empty_or_export_one_name() -> None:
    # config loads the Celery app; Django finds models by their package.
    allowed = ("config/__init__.py", "integrations/models/", "conversations/models/")
    full = {
        path: text
        for path, text in project().items()
        if path.endswith("__init__.py") and text and not path.startswith(allowed)
    }

    assert [path for path, text in full.items() if not _exports_one(text)] == []


def test_a_planted_full_package_is_found() -> None:
    assert _exports_one("from a.b.c import D\n\n__all__ = ['D']\n")
    assert not _exports_one("from a.b.c import D, E\n\n__all__ = ['D', 'E']\n")
    assert not _exports_one("def novel():\n    return 1\n")


def _exports_one(text: str) -> bool:
    body = parsed(text).body
    named = [n for n in body if isinstance(n, ast.ImportFrom)]
    rest = [n for n in body if not isinstance(n, ast.ImportFrom | ast.Assign | ast.Expr)]
    return not rest and len(named) == 1 and len(named[0].names) == 1


def test_public_functions_and_modules_say_what_they_are_for() -> None:
    assert _silent(project()) == []


def test_a_planted_silent_function_is_found() -> None:
    text = '"""A module."""\n\n\ndef novel():\n    return 1\n'

    assert _silent({"handoffs/novel.py": text}) == ["handoffs/novel.py:4 novel"]
    assert _silent({"handoffs/novel.py": "x = 1\n"}) == ["handoffs/novel.py"]


def _silent(sources: Sources) -> list[str]:
    silent = [
        path
        for path, text in sources.items()
        if text and not path.endswith("__init__.py") and not ast.get_docstring(parsed(text))
    ]
    silent += [
        f"{path}:{node.lineno} {node.name}"
        for path, node in _functions(sources)
        if not node.name.startswith("_")
        and path not in IN_SANDBOX
        and not ast.get_docstring(node)
        and not _is_inner(sources[path], node)
    ]
    return silent


def test_broad_catches_are_rare() -> None:
    found = _broad_catches(project())

    assert len(found) <= BROAD_CATCHES, found


def test_planted_broad_catches_are_found() -> None:
    handled = "try:\n    x()\nexcept {}:\n    pass\n"
    text = handled.format("(OSError, Exception)") + handled.format("").replace(" :", ":")

    assert len(_broad_catches({"handoffs/novel.py": text})) == 2


def _broad_catches(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno}"
        for path, text in sources.items()
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    ]


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return kind is None or ast.unparse(kind) in ("Exception", "BaseException")


def test_top_level_holds_what_the_owner_fixed() -> None:
    fixed = {"manage.py", "config", "integrations", "handoffs", "conversations", "templates"}
    fixed |= {"requirements.txt", "tests"}
    beside = {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "docs"}
    beside |= {"requirements-runtime.txt"}
    made = {"var", "node_modules"}
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made

    assert fixed <= seen
    assert seen - fixed - beside - {"__pycache__"} == set()


def _is_inner(text: str, wanted: Function) -> bool:
    """What stands in a function or a private class is explained by the one around it."""
    return any(
        node is not wanted
        and (isinstance(node, Function) or (isinstance(node, ast.ClassDef) and node.name[0] == "_"))
        and node.lineno < wanted.lineno <= (node.end_lineno or 0)
        for node in ast.walk(parsed(text))
    )
