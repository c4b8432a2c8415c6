"""Take a picture of every page of the portal: light, dark, and as wide as a phone."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from playwright.sync_api import Browser, BrowserContext, Page, Route

from config.demo.processes import BASE_DIR
from tests.journeys.gallery.pages import Address, addresses, is_page, planted, sign_in
from tests.journeys.people import PHRASE, Desk, EndUser
from tests.journeys.stack import Stack

DOCS = BASE_DIR / "docs"
IMAGES = DOCS / "images" / "gallery"
PAGE = DOCS / "gallery.md"
QUALITY = 22
# One class draws Django's pages of all our models, and one template the steps of all vendors.
DRAWN_ALIKE = re.compile(
    r"admin-(conversations|handoffs|integrations)-(?!handoff(-|$)|workspace)|.*-genesys$"
)


class Look(NamedTuple):
    """One way to look at a page; `most` is how much of a long one is kept."""

    scheme: str
    width: int
    height: int
    most: int
    scale: float


LOOKS = {
    "light": Look("light", 1280, 860, 1300, 0.7),
    "dark": Look("dark", 1280, 860, 1300, 0.7),
    "phone": Look("light", 390, 844, 1300, 0.7),
}
# What differs from one taking to the next stands still, so that a picture changes with its page.
STILL = r"""() => {
  const rules = [
    [/\b(CONV|HOF|INV|PROJECT|WORKSPACE|ACCOUNT|VAR)-[0-9A-Za-z-]{6,}/g, "$1-01a2"],
    [/\b(whe|wk|hp|bk)_[0-9A-Za-z]{8,}/g, "$1_01a2"],
    [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}\b/g, "01a2"],
    [/127\.0\.0\.1:\d+/g, "portal.example"],
    [/\b\d\d:\d\d(:\d\d)?(\.\d+)?\b/g, "09:41"],
    [/\b\d{4}-\d\d-\d\d\b/g, "2026-03-02"],
    [/\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*( \d{4})?/g, "2 March"],
    [/\b(Jan|Feb|March|April|May|June|July|Aug|Sept|Oct|Nov|Dec)\.? \d{1,2}, \d{4}/g,
      "March 2, 2026"],
    [/\b\d+ (seconds?|minutes?|s|min)\b/g, "5 $1"],
    [/\b[\d,]+ ms\b/g, "90 ms"],
  ];
  const still = (text) => rules.reduce((left, [from, to]) => left.replace(from, to), text);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = still(walk.currentNode.data);
    if (text !== walk.currentNode.data) walk.currentNode.data = text;
  }
  for (const field of document.querySelectorAll("input:not([type=file])"))
    if (field.value !== still(field.value)) field.value = still(field.value);
}"""


def pictures_take(browser: Browser, stack: Stack, only: list[str]) -> None:
    """Take them all, or those that are named, and write the page that shows them."""
    values = planted(stack.simulator_url, stack)
    IMAGES.mkdir(parents=True, exist_ok=True)
    if not only:
        for old in IMAGES.glob("*.webp"):
            old.unlink()
    context = _context(browser, stack)
    for name, page in _scenes(context, stack, values, only):
        for look in LOOKS:
            (IMAGES / f"{name}.{look}.webp").write_bytes(picture(page, LOOKS[look]))
    context.close()
    PAGE.write_text(page_text())


def picture(page: Page, look: Look, kind: str = "webp", quality: int = QUALITY) -> bytes:
    """Return what a page looks like, from its top on."""
    page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
    page.set_viewport_size({"width": look.width, "height": look.height})
    page.evaluate(STILL)
    high = min(look.most, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": look.width, "height": max(high, look.height)})
    session = page.context.new_cdp_session(page)
    asked: dict[str, Any] = {"format": kind, "quality": quality, "captureBeyondViewport": True}
    clip = {"x": 0, "y": 0, "width": look.width, "height": high, "scale": look.scale}
    taken = session.send("Page.captureScreenshot", {**asked, "clip": clip})
    session.detach()
    return base64.b64decode(taken["data"])


def _context(browser: Browser, stack: Stack) -> BrowserContext:
    made = browser.new_context(
        base_url=stack.url,
        timezone_id="Europe/Berlin",
        locale="en-US",
        reduced_motion="reduce",
    )
    made.set_default_timeout(10_000)
    return made


def _scenes(
    context: BrowserContext, stack: Stack, values: dict[str, str], only: list[str]
) -> Iterator[tuple[str, Page]]:
    """Yield every page, opened, under its name."""
    yield from _wanted(_widget(context, stack, values), only)
    page = context.new_page()
    for one in (Address("login", "/login/"), Address("admin-login", "/admin/login/")):
        page.goto(one.path)
        yield from _wanted([(one.name, page)], only)
    sign_in(page, stack)
    for one in addresses(stack):
        is_wanted = one.name in only if only else not DRAWN_ALIKE.match(one.name)
        if is_wanted and is_page(context, one.path):
            page.goto(one.path)
            if one.name == "api-docs":
                page.locator(".opblock").first.wait_for()  # its script draws it
            yield one.name, page
    yield from _wanted(_errors(page), only)


def _wanted(
    scenes: Iterator[tuple[str, Page]] | list[tuple[str, Page]], only: list[str]
) -> Iterator[tuple[str, Page]]:
    return (scene for scene in scenes if not only or scene[0] in only)


def _widget(
    context: BrowserContext, stack: Stack, values: dict[str, str]
) -> Iterator[tuple[str, Page]]:
    """Yield the widget as a conversation goes on; one end user stays with a live agent."""
    desk = Desk(stack.simulator_url)
    desk.reset()
    url = f"/w/{values['public_key']}/"
    waiting = EndUser(context.new_page(), stack, url=url)
    yield "widget-begins", waiting.page
    waiting.asks_for_a_person(PHRASE)
    yield "widget-waiting", waiting.page
    talk = EndUser(context.new_page(), stack, url=url)
    talk.open()
    chat = desk.accept_newest()
    waiting.is_in_state("live")
    desk.does(chat, "say", text="Hello, this is Noor. Which order is it?")
    waiting.sees("Which order is it?")
    waiting.write("It is order 40912.")
    yield "widget-live", waiting.page
    board = context.new_page()
    board.goto(f"{stack.simulator_url}/_desk/")
    board.get_by_text("Noor Halvorsen").first.wait_for()
    yield "simulator-desk", board
    board.close()
    talk.page.close()


def _errors(page: Page) -> Iterator[tuple[str, Page]]:
    page.goto("/nowhere/")
    yield "error-404", page
    for status in (400, 403, 500, 503):
        page.route(f"**/error-{status}/", _answer(render_to_string(f"{status}.html")))
        page.goto(f"/error-{status}/")
        yield f"error-{status}", page


def _answer(body: str) -> Callable[[Route], None]:
    """Return what answers an address with a page that the portal shows in trouble alone."""
    return lambda route: route.fulfill(body=body, content_type="text/html")


def page_text() -> str:
    """Return the page that shows every picture there is."""
    parts = [HEAD]
    names = sorted({path.name.partition(".")[0] for path in IMAGES.glob("*.webp")})
    for name in names:
        cells = " | ".join(_cell(name, look) for look in LOOKS)
        parts.append(f"\n## {name}\n\n| Light | Dark | Phone |\n|---|---|---|\n| {cells} |\n")
    return "".join(parts)


def _cell(name: str, look: str) -> str:
    file = IMAGES / f"{name}.{look}.webp"
    return f"![{name}, {look}]({file.relative_to(DOCS).as_posix()})"


HEAD = """# Every page, as it looks

<!-- written by make screenshots -->

Each page is named after its address. The project in the pictures is made up; times and ids stand
still, so that a picture changes when its page does.
"""
