"""The walk of docs/adding_a_vendor.md, from its first command to the first test that must fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.architecture.sources import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", "node_modules", "__pycache__", ".pytest_cache", ".mypy_cache", "*.log"
)
PAGE = ROOT / "docs" / "adding_a_vendor.md"
KEY = "acme_chat"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the first command of the walk was run."""
    target = tmp_path_factory.mktemp("walk") / "project"
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    told = run(target, "manage.py", "new_vendor", KEY, "--name", "Acme Chat")
    assert told.returncode == 0, told.stdout
    assert "docs/adding_a_vendor.md" in told.stdout
    return target


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )


def test_the_new_folder_has_what_every_vendor_has(copy: Path) -> None:
    vendors = copy / "integrations" / "vendors"
    model = {path.name for path in (vendors / "zendesk_tickets").iterdir()} - {"__pycache__"}

    made = {path.name for path in (vendors / KEY).iterdir()}

    assert made - model == {"simulator.py", "fixtures"}
    assert model - made == set()
    assert list((vendors / KEY / "fixtures").glob("*.json"))


def test_the_new_folder_passes_the_tests_of_architecture_once_the_pages_are_made(
    copy: Path,
) -> None:
    written = run(copy, "manage.py", "write_docs")
    judged = run(copy, "-m", "pytest", "-q", "tests/architecture", f"tests/vendors/{KEY}")

    assert written.returncode == 0, written.stdout
    assert judged.returncode == 0, judged.stdout[-4000:]


def test_the_contract_suite_fails_because_starting_is_not_written_and_for_nothing_else(
    copy: Path,
) -> None:
    chosen = f"{KEY} and (good or bad_key or order or declared)"
    judged = run(copy, "-m", "pytest", "-q", "--tb=line", "-k", chosen, "tests/contract")

    reasons = re.findall(r"^\S+:\d+: (.+)$", judged.stdout, re.M)
    failed = re.findall(r"^FAILED (\S+)", judged.stdout, re.M)
    assert judged.returncode == 1, judged.stdout[-4000:]
    assert len(failed) == len(reasons) > 2
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
    ],
)
def test_what_exists_or_could_break_a_file_is_refused_before_anything_is_written(
    key: str, name: str
) -> None:
    setups = ROOT / "tests" / "contract" / "vendors.py"
    before = setups.read_text(encoding="utf-8")

    with pytest.raises(CommandError):
        call_command("new_vendor", key, name=name)

    assert setups.read_text(encoding="utf-8") == before
    assert not (ROOT / "integrations" / "vendors" / "acme").exists()


def test_the_page_names_the_commands_and_the_files_of_the_walk() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for named in ("make new-vendor key=", "make docs", "tests/contract/vendors.py"):
        assert named in page
    for name in ("manifest", "mapping", "client", "connector", "simulator"):
        assert f"`{name}.py`" in page
