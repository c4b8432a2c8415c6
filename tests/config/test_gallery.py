"""docs/gallery.md shows every page of the menu, in every look, and does not weigh much."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from integrations.projects.frame.menu import HOME, MENU
from tests.journeys.gallery.pictures import DOCS, IMAGES, LOOKS, PAGE, page_text

MOST_BYTES = 6_000_000
PAGES = [HOME, *(entry.page for group in MENU for entry in group.entries)]


def name_of(page: str) -> str:
    """Return what the gallery calls a page of a project."""
    path = reverse(page, kwargs={"project_id": "P"}).removeprefix("/p/P/")
    return path.strip("/").replace("/", "-") or "home"


@pytest.mark.parametrize("page", PAGES)
def test_each_page_of_the_menu_has_its_pictures(page: str) -> None:
    assert f"\n## {name_of(page)}\n" in PAGE.read_text(), "run make screenshots"


def test_the_page_is_what_the_pictures_make_of_it_and_none_is_missing() -> None:
    text = PAGE.read_text()
    shown = re.findall(r"\]\((images/gallery/[^)]+)\)", text)

    assert text == page_text()
    assert all((DOCS / path).is_file() for path in shown)
    assert len(shown) == len(list(IMAGES.glob("*.webp"))) == text.count("\n## ") * len(LOOKS)


def test_the_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in IMAGES.glob("*.webp")) < MOST_BYTES
