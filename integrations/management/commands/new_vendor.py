"""Begin a vendor's folder: everything in its place, and contract tests that say what is left."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.contract.manifest import Delivery, Manifest
from integrations.contract.registry import all_manifests, planned_keys

TEMPLATES = Path(__file__).resolve().parent.parent / "vendor_folder"
KEY = re.compile(r"[a-z][a-z0-9_]{1,30}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&-]{1,40}")
# What a complete manifest needs beyond a planned one; what is not used is taken out again.
DATA = "Capability, CredentialField, ErrorHelp, FieldKind, GeneratedKind, GeneratedValue, "
# What differs between a vendor that calls us and one at whose stream we listen.
BY_STREAM = {"switches": "", "desk_config": "{}", "webhook_config": ""}
BY_WEBHOOK = {
    "switches": '    webhook_url: str = ""\n',
    "desk_config": '{"webhook_url": webhooks["events"]}',
    "webhook_config": '    webhook_config=lambda url: {"webhook_url": f"{url}/events"},\n',
}
NEXT = """\
{name} is begun.

  integrations/vendors/{key}/   manifest, mapping, client, connector, simulator, page, fixtures
  tests/vendors/{key}/          how the contract suite reaches its simulator, and tests of its own

Next:
  make docs
  .venv/bin/python -m pytest tests/contract -k {key}

The suite fails until the connector is one: docs/adding_a_vendor.md is the walk from here.
To take the attempt away: {undo}
"""


class Command(BaseCommand):
    """Needs neither database nor Redis; changes nothing that another vendor owns."""

    help = "Make the folder, the tests and the contract suite's entry of a new vendor."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the key and the name."""
        parser.add_argument("key", help="the folder's name, for instance acme")
        parser.add_argument("--name", default="", help="as admins know it; a planned one has it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write every file, or none."""
        key, root = options["key"], Path(settings.BASE_DIR)
        planned = next((m for m in all_manifests() if m.key == key in planned_keys()), None)
        name = planned.name if planned else options["name"].strip()
        _refuse_what_cannot_be(root, key, name, planned)
        words = _words(key, name, planned)
        manifest = root / "integrations" / "vendors" / key / "manifest.py"
        texts = {_target(root, key, path): _text(path, words) for path in _templates()}
        texts[manifest] = _manifest(manifest, words)
        for target, text in texts.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        _format(path for path in texts if path.suffix == ".py")
        self.stdout.write(NEXT.format(key=key, name=name, undo=_undo(key, planned)))


def _refuse_what_cannot_be(root: Path, key: str, name: str, planned: Manifest | None) -> None:
    if not KEY.fullmatch(key):
        raise CommandError("A key has 2 to 31 small letters, digits and underscores.")
    if not NAME.fullmatch(name):
        raise CommandError("A name has letters, digits, blanks and . & - alone, 41 at most.")
    if planned is None and (root / "integrations" / "vendors" / key).exists():
        raise CommandError(f"integrations/vendors/{key} is there already.")


def _words(key: str, name: str, planned: Manifest | None) -> dict[str, str]:
    is_called_back = planned is not None and planned.delivery is Delivery.WEBHOOK
    receiving = "events_by_webhook.txt" if is_called_back else "events_by_stream.txt"
    return {
        "key": key,
        "name": name,
        "class_name": "".join(part.capitalize() for part in key.split("_")),
        "integration_key": planned.integration_key if planned else f"{key}_integration",
        "generated": _part("manifest_generated.txt") if is_called_back else "",
        "receiving": _part(receiving),
        **(BY_WEBHOOK if is_called_back else BY_STREAM),
    }


def _templates() -> Iterator[Path]:
    parts = TEMPLATES / "parts"
    return (path for path in sorted(TEMPLATES.rglob("*.*.txt")) if parts not in path.parents)


def _target(root: Path, key: str, template: Path) -> Path:
    inside = template.relative_to(TEMPLATES).with_suffix("")
    if inside.parts[0] == "tests":
        return root / "tests" / "vendors" / key / inside.name
    return root / "integrations" / "vendors" / key / inside


def _text(template: Path, words: dict[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(words)


def _part(name: str) -> str:
    return (TEMPLATES / "parts" / name).read_text(encoding="utf-8")


def _manifest(path: Path, words: dict[str, str]) -> str:
    """Complete the manifest of a planned vendor: what it says of tile and hints stays."""
    planned = path.read_text(encoding="utf-8") if path.exists() else None
    text = planned or Template(_part("planned_manifest.txt")).substitute(words)
    _, rest = text.split("\n", 1)
    head, arguments = rest.rstrip().removesuffix(")").split("MANIFEST = Manifest(\n")
    about = f'"""{words["name"]}: what an admin enters, and how it may fail."""\n'
    source = "from integrations.contract.manifest import "
    imports = head.replace(source, source + DATA, 1)
    more = _part("manifest_arguments.txt") + words["generated"]
    fields = _part("manifest_fields.txt")
    return f"{about}{imports}{fields}MANIFEST = Manifest(\n{arguments}{more})\n"


def _format(paths: Iterable[Path]) -> None:
    """Have ruff lay the files out: what fits on a line depends on the vendor's name."""
    names = [str(path) for path in paths]
    for command in (["check", "--quiet", "--select", "I,F401", "--fix"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *names], check=True)  # noqa: S603


def _undo(key: str, planned: Manifest | None) -> str:
    folder = f"integrations/vendors/{key}"
    again = f" && git checkout -- {folder}" if planned else ""
    return f"rm -r {folder} tests/vendors/{key}{again} && make docs"
