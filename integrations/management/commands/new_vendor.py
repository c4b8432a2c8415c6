"""Begin a vendor's folder: everything in its place, and contract tests that say what is left."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

TEMPLATES = Path(__file__).resolve().parent.parent / "vendor_folder"
KEY = re.compile(r"[a-z][a-z0-9_]{1,30}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&-]{1,60}")
SETUPS = "tests/contract/vendors.py"
NEXT = """\
{name} is begun.

  integrations/vendors/{key}/   manifest, mapping, client, connector, simulator, page, fixtures
  tests/vendors/{key}/          what is special about it
  {setups}    how the contract suite reaches its simulator

Next:
  make docs
  .venv/bin/python -m pytest tests/contract -k {key}

The suite fails until the connector is one: docs/adding_a_vendor.md is the walk from here.
"""


class Command(BaseCommand):
    """Needs neither database nor Redis; changes nothing that another vendor owns."""

    help = "Make the folder, the tests and the contract suite's entry of a new vendor."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the key and the name."""
        parser.add_argument("key", help="the folder's name, for instance five9")
        parser.add_argument("--name", required=True, help="as admins know it, for instance Five9")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write every file, or none."""
        key, name = options["key"], options["name"].strip()
        root = Path(settings.BASE_DIR)
        _refuse_what_cannot_be(root, key, name)
        words = {"key": key, "name": name, "class_name": _class_name(key)}
        for template in sorted(TEMPLATES.rglob("*.*.txt")):
            _write(template, _target(root, key, template), words)
        setups = root / SETUPS
        setups.write_text(_with_setup(setups.read_text(encoding="utf-8"), words), encoding="utf-8")
        self.stdout.write(NEXT.format(key=key, name=name, setups=SETUPS))


def _refuse_what_cannot_be(root: Path, key: str, name: str) -> None:
    if not KEY.fullmatch(key):
        raise CommandError("A key has 2 to 31 small letters, digits and underscores.")
    if not NAME.fullmatch(name):
        raise CommandError("A name has letters, digits, blanks and . & - alone.")
    if (root / "integrations" / "vendors" / key).exists():
        raise CommandError(f"integrations/vendors/{key} is there already.")


def _class_name(key: str) -> str:
    return "".join(part.capitalize() for part in key.split("_"))


def _target(root: Path, key: str, template: Path) -> Path:
    inside = template.relative_to(TEMPLATES).with_suffix("")
    if inside.parts[0] == "tests":
        return root / "tests" / "vendors" / key / inside.name
    return root / "integrations" / "vendors" / key / inside


def _write(template: Path, target: Path, words: dict[str, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    text = Template(template.read_text(encoding="utf-8")).substitute(words)
    target.write_text(text, encoding="utf-8")


def _with_setup(text: str, words: dict[str, str]) -> str:
    """Add the import where it belongs in order, and the entry at the end of the table."""
    template = (TEMPLATES / "contract_setup.txt").read_text(encoding="utf-8")
    lines = text.rstrip().removesuffix("}").splitlines()
    wanted = "from integrations.vendors.{key}.simulator import {class_name}Simulator"
    imports = [n for n, line in enumerate(lines) if line.startswith("from integrations.")]
    statement = wanted.format(**words)
    place = next((n for n in imports if lines[n] > statement), imports[-1] + 1)
    lines.insert(place, statement)
    return "\n".join(lines) + "\n" + Template(template).substitute(words) + "}\n"
