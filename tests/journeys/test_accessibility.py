"""Every page under axe-core: light and dark, on a desk and on a phone, without a violation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page

from tests.journeys.gallery.pages import INTEGRATION, Address, addresses, is_page, sign_in
from tests.journeys.people import PHRASE, Desk, EndUser
from tests.journeys.stack import Stack

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
# A desk of 1280 at 400 %, which WCAG 1.4.10 has read without scrolling sideways.
NARROW = {"width": 320, "height": 740}
# Two rules that are off by default, of WCAG 2.2 AA and 2.1 A.
MORE_RULES = ("target-size", "label-content-name-mismatch")
EVERYTHING = {
    "resultTypes": ["violations"],
    "rules": {name: {"enabled": True} for name in MORE_RULES},
}


def _only(*rules: str) -> dict[str, Any]:
    return {"resultTypes": ["violations"], "runOnly": list(rules)}


# What a theme can change, and what a size: the page is the same, and so is everything else.
COLOURS = _only("color-contrast", "link-in-text-block")
ROOM = _only("color-contrast", "target-size", "scrollable-region-focusable")
LOOKS = (("desk", "light", EVERYTHING), ("desk", "dark", COLOURS), ("phone", "light", ROOM))
# The quick run looks at each page in one way, always the same one, with every rule, and at what
# stands on all of them once.
IN_TURN = tuple((size, scheme, EVERYTHING) for size, scheme, _ in LOOKS)
FRAME = (".sidebar", ".topbar")
# What Django admin fades into another theme is looked at when it has got there.
LOOK = """async ([exclude, rules]) => {
  const ends = (one) => one.effect.getComputedTiming().endTime < Infinity;
  await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
  return (await axe.run({exclude}, rules)).violations;
}"""
# Nothing is asked of a page that scrolls in one direction alone.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter(
    (one) => one.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 5).map((one) => `${one.tagName} ${one.className} reaches too far`);
}"""
# But for menus, which would lie over the page.
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach((one) => (one.open = true))"
# The last form with something to write in, which is sent empty.
FORM = """
  const fields = "input:not([type=hidden], [type=checkbox], [type=radio]), textarea";
  const form = [...document.querySelectorAll("main form[method=post]")].filter(
    (one) => one.querySelector(fields) && one.offsetParent).at(-1);"""
HAS_FORM = f"() => {{ {FORM} return Boolean(form); }}"
SEND_EMPTY = f"""() => {{ {FORM}
  for (const field of form.querySelectorAll(fields)) field.value = "";
  HTMLFormElement.prototype.submit.call(form);
}}"""
# Whose elements other makers write: Django's users and groups, and Swagger's page.
OTHERS = re.compile(r"admin-(auth|password)-|api-docs$")
REFUSED = ".field-invalid, .errorlist, .banner-error, p.error"


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A fresh profile."""
    made = browser.new_context(
        base_url=stack.url,
        reduced_motion="reduce",  # nothing is looked at while it fades in
    )
    made.set_default_timeout(15_000)
    yield made
    made.close()


def violations(
    page: Page, looks: tuple[Any, ...] = LOOKS, left_out: tuple[str, ...] = ()
) -> list[str]:
    """Return what axe-core finds wrong in any theme and size, one line for each element."""
    page.evaluate(AXE_SCRIPT)
    return [
        f"{page.url} {size} {scheme} {rule['id']} {node['target']}: {node['failureSummary']}"
        for size, scheme, rules in looks
        for rule in _looked_at(page, size, scheme, [left_out, rules])
        for node in rule["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """Return what reaches beyond the narrowest window, one line for each element."""
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    return [f"{page.url} {found}" for found in page.evaluate(TOO_WIDE)]


def changed_at_once(page: Page) -> list[str]:
    """Return what says that it is not saved before anybody has written in it."""
    marks = page.locator("[data-unsaved-mark]").all_text_contents()
    return [f"{page.url} {mark}" for mark in marks if mark]


def show(page: Page, one: Address, way: tuple[Any, ...]) -> None:
    """Open a page as it is looked at first, with all that folds."""
    put_on(page, *way[:2])
    page.goto(one.path)
    page.evaluate(UNFOLD)


def put_on(page: Page, size: str, scheme: str) -> None:
    """Show a page in a size and a theme."""
    page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def _looked_at(page: Page, size: str, scheme: str, what: list[Any]) -> list[dict[str, Any]]:
    put_on(page, size, scheme)
    found: list[dict[str, Any]] = page.evaluate(LOOK, what)
    return found


def complaints(page: Page) -> list[str]:
    """Return a list that grows by what the page's console says from now on."""
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(f"{page.url} {error}"))
    page.on(
        "console",
        lambda line: heard.append(f"{page.url} {line.text}") if line.type == "error" else None,
    )
    return heard


@pytest.fixture(scope="module")
def pages(browser: Browser, stack: Stack) -> list[Address]:
    """Every page there is, found by asking each address of the URL configuration."""
    context = browser.new_context(base_url=stack.url)
    page = context.new_page()
    sign_in(page, stack)
    ours = [one for one in addresses(stack) if not OTHERS.match(one.name)]
    found = [one for one in ours if is_page(context, one.path)]
    context.close()
    return found


def in_turn(pages: list[Address]) -> list[Address]:
    """Return what the quick run looks at: of what Django's admin makes by itself a third."""
    return [one for one in pages if not (one.name.startswith("admin-") and _number(one) % 3)]


def ways_of(one: Address) -> tuple[Any, ...]:
    """Return the one way in which the quick run looks at a page."""
    return (IN_TURN[_number(one) // 3 % len(IN_TURN)],)


def _number(one: Address) -> int:
    """Return the page's own number, whatever other pages there are."""
    return crc32(one.name.encode())


def is_refused(page: Page) -> bool:
    """Send the page's form empty; say whether it is shown again with what is wrong."""
    with page.expect_navigation():
        page.evaluate(SEND_EMPTY)
    return page.locator(REFUSED).count() > 0


def is_expected(line: str) -> bool:
    """Say whether the console must speak so: of a refusal, or of scripts of Django's own forms.

    Those set styles, which the policy refuses. A form that nobody has touched is left without
    the question that its emptied fields would bring.
    """
    is_of_admin = "/admin/" in line and "inline style" in line
    return is_of_admin or bool(re.search("status of (403|409|422)|'beforeunload'", line))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("is_quick", [True, pytest.param(False, marks=pytest.mark.long)])
def test_every_page_and_every_refused_form_is_free_of_violations_and_fits_a_small_phone(
    context: BrowserContext, stack: Stack, pages: list[Address], is_quick: bool
) -> None:
    page = context.new_page()
    heard = complaints(page)
    page.goto("/login/")
    found = [*violations(page), *too_wide(page)]
    sign_in(page, stack)
    found += violations(page)  # with what stands on every page

    refused = 0
    for one in in_turn(pages) if is_quick else pages:
        ways, left_out = (ways_of(one), FRAME) if is_quick else (LOOKS, ())
        show(page, one, ways[0])
        found += changed_at_once(page) + too_wide(page)
        if not is_quick:
            found += violations(page, ways)
        has_form = page.evaluate(HAS_FORM)
        was_refused = has_form and is_refused(page)
        refused += was_refused
        # A form that is refused has all that it had before: the quick run looks at it alone.
        if is_quick and has_form and not was_refused:
            show(page, one, ways[0])
        if is_quick or was_refused:
            found += violations(page, ways[:1], left_out)
        heard[:] = [line for line in heard if not is_expected(line)]

    assert not found + heard, "\n".join(found + heard)
    assert refused > 20 and len(pages) > 100
    assert any(one.name == f"{INTEGRATION}-connect-values-genesys" for one in pages)


@pytest.mark.parametrize("name", ["analytics", "handoffs-handoff", "transcripts-token"])
def test_paper_has_the_content_alone_and_dark_ink(
    context: BrowserContext, stack: Stack, pages: list[Address], name: str
) -> None:
    page = context.new_page()
    sign_in(page, stack)
    page.goto(next(one.path for one in pages if one.name == name))
    page.emulate_media(media="print", color_scheme="dark")

    assert page.locator(".sidebar:visible, .topbar:visible, .page-actions:visible").count() == 0
    ink = page.locator("main h1").evaluate("(one) => getComputedStyle(one).color")
    assert max(map(int, re.findall(r"\d+", ink)[:3])) < 90


def test_forced_colours_show_the_focus_and_stillness_is_kept(
    context: BrowserContext, stack: Stack
) -> None:
    page = context.new_page()
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.goto("/login/")
    page.keyboard.press("Tab")

    style = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{style}.outlineStyle") == "solid"
    assert page.evaluate(f"{style}.outlineColor") not in ("transparent", "rgba(0, 0, 0, 0)")
    assert page.evaluate(f"{style}.transitionDuration") in ("0s", "0ms")


def test_the_widget_and_the_live_agents_desk_are_free_of_violations(
    context: BrowserContext, stack: Stack
) -> None:
    desk = Desk(stack.simulator_url)
    desk.reset()
    end_user = EndUser(context.new_page(), stack)
    found = violations(end_user.page)
    end_user.asks_for_a_person(PHRASE)
    found += violations(end_user.page)
    chat = desk.accept_newest()
    end_user.is_in_state("live")
    desk.does(chat, "say", text="Hello, this is Noor")
    end_user.sees("Hello, this is Noor")
    found += violations(end_user.page)

    page = context.new_page()
    page.goto(f"{stack.simulator_url}/_desk/")
    page.get_by_text("Noor Halvorsen").first.wait_for()
    found += violations(page)

    desk.does(chat, "end")
    end_user.is_in_state("closed")
    found += violations(end_user.page)
    assert not found, "\n".join(found)
