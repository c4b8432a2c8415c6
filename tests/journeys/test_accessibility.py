"""Every page under axe-core: light and dark, on a desk and on a phone, without a violation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.people import PHRASE, Desk, EndUser
from tests.journeys.stack import Stack

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
# Two rules that are off by default, of WCAG 2.2 AA and 2.1 A.
MORE_RULES = ("target-size", "label-content-name-mismatch")
EVERYTHING = {
    "resultTypes": ["violations"],
    "rules": {name: {"enabled": True} for name in MORE_RULES},
}
# What a theme can change: the page is the same, and so is everything that is not a colour.
COLOURS = {
    "resultTypes": ["violations"],
    "runOnly": ["color-contrast", "link-in-text-block"],
}
RULES = {"light": EVERYTHING, "dark": COLOURS}
LOOK = "(rules) => axe.run(rules).then((found) => found.violations)"
LISTS = ("ai-agent", "topics", "topics/new", "tools", "tools/new", "widget", "widget/new")
MORE_LISTS = (
    "flows/new",
    "variants/new",
    "environments",
    "test",
    "live",
    "destinations",
    "handoff-rules",
    "safety",
    "widget/words/en",
    "secrets",
    "tool-apis",
    "settings/webhooks",
    "integrations",
    "settings/project",
    "settings/members",
    "settings/audit",
    "settings/retention",
    "alerts",
    "api-keys",
    "handoffs",
    "conversations",
    "text-messages",
    "analytics",
    "analytics/waiting",
    "analytics/quality",
    "log",
)
SMALL = {"width": 360, "height": 740}
# Nothing is asked of a page that scrolls in one direction alone.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter(
    (one) => one.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 5).map((one) => `${one.tagName} ${one.className} reaches too far`);
}"""
FLOW = ("before", "give", "values", "test", "behaviour", "done")
# But for menus, which would lie over the page.
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach((one) => (one.open = true))"
# One that only calls its vendor, and one that is called.
FLOWS = ("salesforce_messaging", "genesys")
INTEGRATION = "integrations/sandbox/{}/"


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


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong in any theme and size, one line for each element."""
    page.evaluate(AXE_SCRIPT)
    return [
        f"{page.url} {size} {scheme} {rule['id']} {node['target']}: {node['failureSummary']}"
        for size in SIZES
        for scheme in RULES
        for rule in _looked_at(page, size, scheme)
        for node in rule["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """Return what reaches beyond the window of a small phone, one line for each element."""
    page.set_viewport_size(SMALL)
    return [f"{page.url} {found}" for found in page.evaluate(TOO_WIDE)]


def _looked_at(page: Page, size: str, scheme: str) -> list[dict[str, Any]]:
    page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found: list[dict[str, Any]] = page.evaluate(LOOK, RULES[scheme])
    return found


def portal_paths(stack: Stack) -> list[str]:
    """Return the address of every page of the portal that can be opened."""
    project = f"/p/{stack.demo['project_id']}/"
    paths = [f"{project}{name}/" for name in (*LISTS, *MORE_LISTS)]
    for key in FLOWS:
        place = project + INTEGRATION.format(key)
        paths += [place, *(f"{place}connect/{step}/" for step in FLOW)]
    first = project + INTEGRATION.format("salesforce_messaging")
    ours = ("/projects/new/", "/nowhere/", "/api/docs/socket")
    return [*paths, f"{first}test-handoff/", f"{first}disconnect/", *ours]


def sign_in(page: Page, stack: Stack) -> None:
    page.goto("/login/")
    page.get_by_label("User name or e-mail address").fill(stack.demo["admin"]["username"])
    page.get_by_label("Password").fill(stack.demo["admin"]["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main h1")).to_be_visible()


@pytest.mark.timeout(400)
def test_every_page_of_the_portal_is_free_of_violations_and_fits_a_small_phone(
    context: BrowserContext, stack: Stack
) -> None:
    EndUser(context.new_page(), stack).asks_for_a_person(PHRASE)  # so that there is a handoff
    page = context.new_page()
    page.goto("/login/")
    found = violations(page)
    sign_in(page, stack)

    for path in portal_paths(stack):
        page.goto(path)
        page.evaluate(UNFOLD)
        found += [*violations(page), *too_wide(page)]
    for entry in ("topics", "tools", "handoffs", "conversations"):
        page.goto(f"/p/{stack.demo['project_id']}/{entry}/")
        page.locator(f"tbody a[href*='/{entry}/']").first.click()
        page.wait_for_url(lambda address, entry=entry: not address.endswith(f"/{entry}/"))
        page.evaluate(UNFOLD)
        found += [*violations(page), *too_wide(page)]

    assert not found, "\n".join(found)


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
