"""Counts the lines of each vendor's folder by kind of file, for a page of docs/."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from django.conf import settings

from integrations.contract.registry import manifests

# A file, or the folder of the same name.
KINDS = ("manifest", "mapping", "client", "connector", "simulator")
OTHERS = ("README", "fixtures", "tests")


def sizes_table() -> str:
    """Return a table of lines: a row for each vendor, a column for each kind of file."""
    head = ["Vendor", *KINDS, "Python in all", *OTHERS]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for manifest in sorted(manifests(), key=lambda one: one.name):
        counted = _lines(settings.BASE_DIR, manifest.key)
        python = sum(counted[kind] for kind in KINDS)
        cells = [*(counted[k] for k in KINDS), python, *(counted[k] for k in OTHERS)]
        rows.append([manifest.name, *(f"{cell:,}" if cell else "–" for cell in cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _lines(root: Path, key: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    folder = root / "integrations" / "vendors" / key
    for path in [*folder.rglob("*.py"), *folder.glob("*.md")]:
        counted[path.relative_to(folder).parts[0].partition(".")[0]] += _count(path)
    for path in (folder / "fixtures").glob("*.json"):
        counted["fixtures"] += _count(path)
    for path in (root / "tests" / "vendors" / key).glob("*.py"):
        counted["tests"] += _count(path)
    return counted


def _count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
