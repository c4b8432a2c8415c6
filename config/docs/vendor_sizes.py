"""Counts the lines of each vendor's folder by kind of file, for a page of docs/.

The page says hundreds of lines, and may stand until a figure is a whole hundred off: nobody writes
it anew for every line of a vendor's file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from integrations.contract.registry import manifests

# A file, or the folder of the same name.
KINDS = ("manifest", "mapping", "client", "connector", "simulator")
# Data of the manifest that fills a file of its own.
PART_OF = {"symptoms": "manifest"}
OTHERS = ("README", "fixtures", "tests")
COLUMNS = (*KINDS, "Python in all", *OTHERS)
STEP = 100
# A name, and nothing but figures behind it.
ROW = re.compile(r"^\| (.+?) \| ((?:[\d,–]+ \| )*[\d,–]+) \|$", re.M)


def sizes_table() -> str:
    """Return a table of hundreds of lines: a row for each vendor, a column for each kind."""
    head = ["Vendor", *COLUMNS]
    rows = [head, ["---", *["---:"] * len(COLUMNS)]]
    for name, sizes in _counted():
        rows.append([name, *map(_rounded, sizes)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def sizes_wrong(page: str) -> list[str]:
    """Return a line for each figure of a written page that is a whole hundred or more off."""
    written = dict(ROW.findall(page))
    wrong = []
    for name, sizes in _counted():
        cells = written.get(name, "").split(" | ")
        if len(cells) != len(sizes):
            wrong.append(f"{name}: no row of {len(sizes)} figures")
            continue
        pairs = zip(COLUMNS, cells, sizes, strict=True)
        wrong += [f"{name}, {of}: {said} for {n}" for of, said, n in pairs if _is_off(said, n)]
    return wrong


def _counted() -> Iterator[tuple[str, list[int]]]:
    for manifest in sorted(manifests(), key=lambda one: one.name):
        counted = _lines(settings.BASE_DIR, manifest.key)
        python = sum(counted[kind] for kind in KINDS)
        yield manifest.name, [*(counted[k] for k in KINDS), python, *(counted[k] for k in OTHERS)]


def _rounded(lines: int) -> str:
    return f"{max(round(lines, -2), STEP):,}" if lines else "–"


def _is_off(said: str, lines: int) -> bool:
    number = said.replace(",", "")
    return bool(lines) if said == "–" else abs(int(number) - lines) >= STEP


def _lines(root: Path, key: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    folder = root / "integrations" / "vendors" / key
    for path in [*folder.rglob("*.py"), *folder.glob("*.md")]:
        kind = path.relative_to(folder).parts[0].partition(".")[0]
        counted[PART_OF.get(kind, kind)] += _count(path)
    for path in (folder / "fixtures").glob("*.json"):
        counted["fixtures"] += _count(path)
    for path in (root / "tests" / "vendors" / key).glob("*.py"):
        counted["tests"] += _count(path)
    return counted


def _count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
