"""An admin in the portal."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.stack import Stack

ANY = re.compile(".")


def arrives(page: Page, heading: str | re.Pattern[str] = ANY) -> None:
    """Wait until a page is there with its scripts: before that none hears a key or a click."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.wait_for_load_state()


class Portal:
    """Signs in and goes where the menu leads."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self._admin = stack.demo["admin"]

    @property
    def main(self) -> Locator:
        """The page without its menu."""
        return self.page.locator("main")

    def sign_in(self) -> None:
        """Sign in as the demo's admin."""
        self.page.goto(self._admin["url"])
        self.page.get_by_label("User name or e-mail address").fill(self._admin["username"])
        self.page.get_by_label("Password").fill(self._admin["password"])
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("link", name="Integrations").first).to_be_visible()

    def open(self, entry: str) -> None:
        """Choose an entry of the menu."""
        self.page.get_by_role("navigation").get_by_role("link", name=entry, exact=True).click()
        arrives(self.page)

    def tile(self, title: str) -> Locator:
        """Return a tile of the Integrations page."""
        return self.page.locator(".tile").filter(
            has=self.page.get_by_role("heading", name=title, exact=True)
        )

    def newest_handoff(self) -> None:
        """Open the first handoff of the list."""
        self.main.get_by_role("row").nth(1).get_by_role("link").first.click()
