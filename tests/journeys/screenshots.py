"""make screenshots: a picture of every page, and of every kind of rich content of every vendor.

python -m tests.journeys.screenshots                          all of them
python -m tests.journeys.screenshots --pages [NAME …]         pages alone, such as topics-new
python -m tests.journeys.screenshots --vendor KEY [KEY …]     vendors alone
python -m tests.journeys.screenshots --widget                 sheets of the widget alone

The pictures of pages and the page that shows them are written to docs/, the others to
docs/vendors/.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from playwright.sync_api import Browser, Locator, Page, sync_playwright  # noqa: E402

from config.demo.processes import BASE_DIR  # noqa: E402
from config.demo.vendors import demo_vendors  # noqa: E402
from integrations.contract.registry import manifest_get  # noqa: E402
from tests.browser import ARGUMENTS, find_browser  # noqa: E402
from tests.journeys.gallery.pictures import pictures_take  # noqa: E402
from tests.journeys.gallery.widget_sheets import sheets_take  # noqa: E402
from tests.journeys.rich_talk import Talk  # noqa: E402
from tests.journeys.stack import Stack  # noqa: E402
from tests.postgres import PostgresServer, database_create  # noqa: E402

DIRECTORY = BASE_DIR / "docs" / "vendors"
IMAGES = DIRECTORY / "images"
PAGE = DIRECTORY / "rich_content.md"
MARGIN_PX = 12
# As wide as a phone, and high enough for the longest form.
SIZE = {"width": 390, "height": 1600}
HEAD = """# What vendors send, as the end user sees it

<!-- written by make screenshots -->

Each kind of rich content that a vendor's documentation lists, sent by its simulator through
the portal into the widget on a phone. What goes back is in the table of the vendor's own page.
"""


def main() -> None:
    """Start everything once, and take the pictures that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--vendor", choices=list(demo_vendors()), nargs="+")
    asked.add_argument("--pages", metavar="NAME", nargs="*")
    asked.add_argument("--widget", action="store_true")
    chosen = asked.parse_args()
    if chosen.widget or not (chosen.vendor or chosen.pages is not None):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
            sheets_take(browser)
            browser.close()
    if chosen.widget:
        return
    with tempfile.TemporaryDirectory(prefix="baton-pictures-") as name:
        directory = Path(name)
        with PostgresServer(directory / "postgres") as postgres:
            url = database_create(postgres.url, "baton_pictures")
            stack = Stack(directory / "stack", database_url=url)
            try:
                stack.start_all()
                _take_all(chosen.vendor, chosen.pages, stack)
            finally:
                stack.stop_all()


def _take_all(vendors: list[str] | None, pages: list[str] | None, stack: Stack) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        if pages is not None or not vendors:
            pictures_take(browser, stack, pages or [])
        if vendors or pages is None:
            _vendors(vendors or demo_vendors(), browser, stack)
        browser.close()


def _vendors(keys: Iterable[str], browser: Browser, stack: Stack) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for key in keys:
        for old in IMAGES.glob(f"{key}_*.png"):
            old.unlink()
        _take(key, browser, stack)
    PAGE.write_text(page_text())


def _take(key: str, browser: Browser, stack: Stack) -> None:
    context = browser.new_context(
        base_url=stack.url,
        viewport={"width": SIZE["width"], "height": SIZE["height"]},
        timezone_id="Europe/Berlin",
        locale="en-US",
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    talk = Talk(key, context.new_page(), stack)
    for kind in talk.desk.kinds():
        line = talk.receives(kind)
        _picture(talk.page, line, IMAGES / f"{key}_{kind}.png")
    context.close()


def _picture(page: Page, line: Locator, path: Path) -> None:
    """Keep the newest lines, from the one that a kind began with on."""
    page.wait_for_load_state("networkidle")
    log = page.get_by_test_id("log").bounding_box()
    first = line.bounding_box()
    last = page.get_by_test_id("message").last.bounding_box()
    assert log and first and last
    top = max(log["y"], first["y"] - MARGIN_PX)
    bottom = min(log["y"] + log["height"], last["y"] + last["height"] + MARGIN_PX)
    clip = {"x": 0, "y": top, "width": SIZE["width"], "height": bottom - top}
    page.screenshot(path=path, clip=clip)  # type: ignore[arg-type]


def page_text() -> str:
    """Return the page that shows every picture there is."""
    parts = [HEAD]
    for key in demo_vendors():
        pictures = sorted(IMAGES.glob(f"{key}_*.png"))
        if pictures:
            parts.append(f"\n## {manifest_get(key).name}\n")
        for path in pictures:
            kind = path.stem.removeprefix(f"{key}_").replace("_", " ")
            parts.append(
                f"\n### {manifest_get(key).name}: {kind}\n\n![{kind}](images/{path.name})\n"
            )
    return "".join(parts)


if __name__ == "__main__":
    main()
