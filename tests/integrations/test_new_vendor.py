"""The walk of docs/adding_a_vendor.md, from its first command to the first test that must fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.architecture.sources import ROOT
from tests.migrated import KEPT

# Each test starts a Python of its own, some a whole suite.
pytestmark = pytest.mark.timeout(400)
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", "var", "node_modules", ".pytest_cache", ".mypy_cache", "*.log"),
    # What Python compiled is as good in the copy; what pytest compiled names our files.
    "*-pytest-*.pyc",
)
PAGE = ROOT / "docs" / "adding_a_vendor.md"
# Both are planned in the copy, whichever are in the project; the second one stays so.
PLANNED = {"alder": "Alder", "cedar": "Cedar"}
# Nobody planned the first, the second is planned and calls back, the third has no short line.
BEGUN = {
    "acme": "Acme",
    "alder": "",
    "a_vendor_with_the_longest_key_1": "A vendor whose name is as long as it gets",
}
MANIFEST = '''"""{name}, planned: what payloads may say to it until it has a connector."""

from __future__ import annotations

from integrations.contract.hints import Hint, text
from integrations.contract.manifest import Delivery, Manifest, Support

MANIFEST = Manifest(
    key="{key}",
    integration_key="{key}_integration",
    tile="{name}",
    name="{name}",
    summary="Live agents answer in {name}.",
    delivery=Delivery.WEBHOOK,
    support=Support.EXPERIMENTAL,
    hints=(Hint(name="track_name", check=text(1, 128), replaces_saved=True),),
    aliases=("{key}",),
)
'''
# The second has the name of a hint of Alder's, which takes text.
HINTS = """
        Hint(name="lane", check=whole_number(1, 9), aliases=("traffic_lane",)),
        Hint(name="track_name", check=whole_number(1, 9)),
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which vendors were begun, and Acme got a hint and an alias."""
    target = tmp_path_factory.mktemp("walk") / "project"
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    # Its migrations are ours, and so is the database that was made of them.
    KEPT.mkdir(parents=True, exist_ok=True)
    (target / "var").mkdir()
    (target / "var" / KEPT.name).symlink_to(KEPT)
    for key, name in PLANNED.items():
        folder = target / "integrations" / "vendors" / key
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "manifest.py").write_text(MANIFEST.format(key=key, name=name), encoding="utf-8")
    for key, name in BEGUN.items():
        begun = run(target, "manage.py", "new_vendor", key, "--name", name)
        assert begun.returncode == 0, begun.stdout
        assert "docs/adding_a_vendor.md" in begun.stdout
    manifest = target / "integrations" / "vendors" / "acme" / "manifest.py"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace("    hints=(),\n", f"    hints=({HINTS}    ),\n")
    text = text.replace('aliases=("acme",)', 'aliases=("acme", "acme_support")')
    imported = "from integrations.contract.hints import Hint, whole_number\n"
    before = "from integrations.contract.manifest"
    manifest.write_text(text.replace(before, imported + before, 1), encoding="utf-8")
    return target


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python there; its tests start a PostgreSQL of their own."""
    ours = {"DATABASE_URL", "TEST_DATABASE_URL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in ours},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )


def test_new_vendors_are_known_where_they_are_named_and_pass_their_own_tests(copy: Path) -> None:
    known = ("tests/integrations/acme_known.py", "tests/integrations/cedar_planned.py")
    tests = [f"tests/vendors/{key}" for key in BEGUN]
    judged = run(copy, "-m", "pytest", "-q", *known, *tests)

    assert judged.returncode == 0, judged.stdout[-4000:]


@pytest.mark.long
def test_new_vendors_pass_the_tests_of_architecture_once_the_pages_are_made(copy: Path) -> None:
    written = run(copy, "manage.py", "write_docs")
    rules = [f"tests/architecture/test_{name}.py" for name in ("docs", "imports", "manifests")]
    judged = run(copy, "-m", "pytest", "-q", *rules)

    assert written.returncode == 0, written.stdout
    assert judged.returncode == 0, judged.stdout[-4000:]


def test_no_file_that_existed_is_touched(copy: Path) -> None:
    generated = {"docs/vendors.md", "docs/vendor_sizes.md"}
    kinds = ("*.py", "*.md", "*.html", "*.js", "*.txt", "Makefile", "*.toml")
    names = {
        path.relative_to(copy).as_posix()
        for kind in kinds
        for path in copy.rglob(kind)
        if "var" not in path.relative_to(copy).parts
    }

    changed = {
        name
        for name in names - generated
        if (ROOT / name).exists() and (ROOT / name).read_bytes() != (copy / name).read_bytes()
    }

    assert changed == set()
    assert len(names) > 500


@pytest.mark.long
def test_what_the_command_writes_passes_the_lint_and_the_types(copy: Path) -> None:
    folders = [
        f"{place}/{key}" for place in ("integrations/vendors", "tests/vendors") for key in BEGUN
    ]

    linted = run(copy, "-m", "ruff", "check", "--no-cache", *folders)
    laid_out = run(copy, "-m", "ruff", "format", "--no-cache", "--check", *folders)
    typed = run(copy, "-m", "mypy", *folders[: len(BEGUN)])

    assert linted.returncode == 0, linted.stdout
    assert laid_out.returncode == 0, laid_out.stdout
    assert typed.returncode == 0, typed.stdout


def test_the_new_folder_has_the_names_that_every_vendor_has(copy: Path) -> None:
    folder = copy / "integrations" / "vendors" / "acme"

    made = {path.name for path in folder.iterdir()} - {"__pycache__"}
    simulator = {path.name for path in (folder / "simulator").iterdir()} - {"__pycache__"}

    files = {"__init__.py", "manifest.py", "client.py", "mapping.py", "connector.py", "README.md"}
    assert made == files | {"simulator", "fixtures"}
    assert {"app.py", "world.py", "agents.py", "faults.py", "demo.py"} < simulator
    assert list((folder / "fixtures").glob("*.json"))


@pytest.mark.long
def test_the_contract_suite_fails_because_starting_is_not_written_and_for_nothing_else(
    copy: Path,
) -> None:
    keys = ("acme", "alder")
    chosen = f"({' or '.join(keys)}) and (good or bad_key or order or declared)"
    judged = run(copy, "-m", "pytest", "-q", "--tb=line", "-k", chosen, "tests/contract")

    reasons = re.findall(r"^\S+:\d+: (.+)$", judged.stdout, re.M)
    failed = re.findall(r"^FAILED (\S+)", judged.stdout, re.M)
    assert judged.returncode == 1, judged.stdout[-4000:]
    assert [key for key in keys if sum(f"[{key}" in name for name in failed) <= 2] == []
    assert len(failed) == len(reasons)
    assert [reason for reason in reasons if "start is not written yet" not in reason] == []
    assert not [name for name in failed if re.search("good_credentials|declared", name)]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("genesys", "Genesys"),
        ("Acme", "Acme"),
        ("../acme", "Acme"),
        ("acme", 'A"cme'),
        ("acme", " "),
        ("acme", "A" * 42),
    ],
)
def test_what_exists_or_could_break_a_file_is_refused_before_anything_is_written(
    key: str, name: str
) -> None:
    with pytest.raises(CommandError):
        call_command("new_vendor", key, name=name)

    assert not (ROOT / "integrations" / "vendors" / "acme").exists()
    assert not (ROOT / "tests" / "vendors" / "acme").exists()


def test_the_page_names_the_commands_and_the_files_of_the_walk() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for named in ("make new-vendor key=", "make docs", "contract_setup.py"):
        assert named in page
    for name in ("manifest", "mapping", "client", "connector"):
        assert f"`{name}.py`" in page
