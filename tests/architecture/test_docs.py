"""Generated pages are fresh, and pages lead to places that exist."""

from __future__ import annotations

import re

from config.docs.pages import generated_pages
from tests.architecture.sources import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "integrations/vendors").glob("*/README.md"))


def test_generated_pages_are_fresh() -> None:
    stale = [
        name
        for name, text in generated_pages().items()
        if (ROOT / "docs" / name).read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run make docs"


def test_links_within_the_project_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


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
