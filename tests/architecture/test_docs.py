"""Generated pages are fresh, and pages lead to places that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from config.docs.pages import generated_pages
from config.docs.vendor_sizes import sizes_wrong
from tests.architecture.sources import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "integrations/vendors").glob("*/README.md"))
CODE = re.compile(r"`([^`\s]+)`")
# A file by its ending, or a folder by the slash behind it.
PATH = re.compile(
    r"(?:[\w.*<>-]+/)*[\w.*<>-]+\.(?:py|md|html|js|json|txt|toml|yml)|(?:[\w.*<>-]+/)+"
)
# Made on the machine that runs Baton, or named because they must not be there.
MADE = ("var/",)
FORBIDDEN = {"utils.py", "helpers.py", "common.py", "base.py"}


def test_generated_pages_are_fresh() -> None:
    stale = [
        name
        for name, text in generated_pages().items()
        if (ROOT / "docs" / name).read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run make docs"


def test_a_planted_size_that_is_a_hundred_lines_off_is_found() -> None:
    page = (ROOT / "docs/vendor_sizes.md").read_text(encoding="utf-8")
    [(row, manifest)] = re.findall(r"^(\| Zendesk tickets \| ([\d,]+) \|)", page, re.M)
    planted = row.replace(manifest, f"{int(manifest.replace(',', '')) + 200:,}")

    [found] = sizes_wrong(page.replace(row, planted))

    assert found.startswith("Zendesk tickets, manifest: ")
    assert sizes_wrong(page.replace(row, "| Tickets |"))[0].startswith("Zendesk tickets: ")


def test_links_within_the_project_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_path_that_a_page_names_exists() -> None:
    pages = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}

    assert _missing_paths(pages) == []


def test_a_planted_path_of_nothing_is_found() -> None:
    page = (
        "See `novel/room.py`, `novel.py`, `tests/architecture/` and `integrations/vendors/<key>/`."
    )

    assert _missing_paths({"a.md": page}) == ["a.md: novel/room.py", "a.md: novel.py"]


def _missing_paths(pages: dict[str, str]) -> list[str]:
    there = [f"/{path.relative_to(ROOT).as_posix()}" for path in _tracked()]
    # What the scaffold writes may be what no vendor has yet.
    there += [name.removesuffix(".txt") for name in there if "/vendor_folder/" in name]
    return [
        f"{page}: {name}"
        for page, text in pages.items()
        for name in CODE.findall(text)
        if PATH.fullmatch(name) and not name.startswith(MADE) and name not in FORBIDDEN
        if not any(map(_pattern(name).search, there))
    ]


def _pattern(name: str) -> re.Pattern[str]:
    """Return what a path of the project ends with if this is its name; <key> is any vendor's."""
    parts = re.split(r"\*|<\w+>", name.rstrip("/"))
    return re.compile(f"/{'[^/]+'.join(map(re.escape, parts))}$")


def _tracked() -> Iterator[Path]:
    for top in ROOT.iterdir():
        if not top.name.startswith(".") and top.name not in ("var", "node_modules"):
            yield top
            yield from top.rglob("*")


def test_the_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert "make demo" in readme
    assert "make test" in readme


def test_every_vendor_page_has_the_same_headings() -> None:
    headings = {
        page.parent.name: re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M)
        for page in (ROOT / "integrations/vendors").glob("*/README.md")
    }

    assert headings
    assert len({tuple(found) for found in headings.values()}) == 1, headings
