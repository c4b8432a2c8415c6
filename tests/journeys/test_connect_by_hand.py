"""An admin connects Salesforce in the portal: with mistakes, by keyboard, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Watch
from tests.journeys.people import Desk
from tests.journeys.portal import Portal, arrives
from tests.journeys.stack import Stack

TITLE = "Salesforce Messaging"
STEPS = ("before", "give", "values", "test", "behaviour", "done")


@pytest.fixture
def portal(page: Page, stack: Stack) -> Portal:
    made = Portal(page, stack)
    made.sign_in()
    return made


@contextmanager
def slow(stack: Stack) -> Iterator[None]:
    """A vendor slow enough for a person to see a check run."""
    desk = Desk(stack.simulator_url)
    desk.fault("latency", ms=600)
    try:
        yield
    finally:
        desk.fault("latency", ms=0)


def begin(portal: Portal, environment: str) -> None:
    """Go from the tiles to the form."""
    page = portal.page
    portal.open("Integrations")
    places = page.get_by_role("navigation", name="Environment")
    places.get_by_role("link", name=environment, exact=True).click()
    page.get_by_role("link", name=f"Connect {TITLE}").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Continue").click()


def fill(page: Page, stack: Stack, *, developer_name: str) -> None:
    """Type the simulator's values and go on to the test."""
    salesforce = stack.demo["simulators"]["salesforce_messaging"]
    page.get_by_label("Organization ID").fill(salesforce["org_id"])
    page.get_by_label("Organization Base URL").fill(stack.simulator_url)
    page.get_by_label("Developer Name").fill(developer_name)
    page.get_by_role("button", name="Continue to the test").click()


def check(page: Page, name: str) -> Locator:
    """Return a line of the check list."""
    return page.locator(f"[data-check={name}]")


def test_mistakes_are_named_mended_and_the_tile_says_connected(
    portal: Portal, stack: Stack, watch: Watch
) -> None:
    page = portal.page
    developer_name = stack.demo["simulators"]["salesforce_messaging"]["es_developer_name"]
    begin(portal, "Live")

    page.get_by_role("button", name="Continue to the test").click()
    expect(page.get_by_text("Organization ID is missing.")).to_be_visible()
    expect(page.get_by_label("Organization ID")).to_be_focused()
    watch.errors.clear()
    fill(page, stack, developer_name="No_Such_Deployment")
    expect(page.get_by_text("The test did not pass.").first).to_be_visible()
    expect(check(page, "token")).to_have_attribute("data-state", "failed")
    expect(page.get_by_role("button", name="Save anyway")).to_be_visible()
    page.get_by_role("link", name="Change values").click()
    with slow(stack):
        fill(page, stack, developer_name=developer_name)
        expect(check(page, "reach")).to_have_attribute("data-state", "passed")
        expect(check(page, "token")).to_have_attribute("data-state", "running")
        expect(check(page, "stream")).to_have_attribute("data-state", "waiting")
        expect(page.get_by_text("Every check passed.").first).to_be_visible()
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Save behaviour").click()
    expect(page.get_by_text('"salesforce_integration": {}')).to_be_visible()
    page.get_by_role("link", name="Finish").click()

    portal.open("Integrations")
    page.get_by_role("link", name="Live 1").click()
    expect(portal.tile(TITLE)).to_contain_text("Connected")
    expect(portal.tile(TITLE).get_by_role("link", name="Manage")).to_be_visible()


def test_the_form_follows_the_connection_type(portal: Portal) -> None:
    page = portal.page
    begin(portal, "Pre-release")

    expect(page.get_by_label("Auth Key ID")).to_be_hidden()
    page.get_by_label("Connection type").select_option("miaw_verified")
    expect(page.get_by_label("Auth Key ID")).to_be_visible()
    page.get_by_label("Connection type").select_option("miaw")
    expect(page.get_by_label("Auth Key ID")).to_be_hidden()


def test_revoking_a_key_by_keyboard_asks_for_its_name_and_gives_the_focus_back(
    portal: Portal,
) -> None:
    page = portal.page
    portal.open("API keys")
    page.get_by_label("Name").last.fill("Desktop of the journey")
    page.get_by_role("checkbox", name=re.compile("^Handoff")).check()
    page.get_by_role("button", name="Create key").click()
    opener = page.get_by_role("button", name="Revoke Desktop of the journey")
    expect(opener).to_be_visible()
    arrives(page)

    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Revoke")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("textbox").fill("Desktop of the journey")
    page.keyboard.press("Enter")

    row = page.get_by_role("row").filter(has_text="Desktop of the journey")
    expect(row.get_by_text("Revoked", exact=True)).to_be_visible()


def test_every_page_of_the_portal_fits_a_phone(portal: Portal) -> None:
    page = portal.page
    menu = [
        str(link.get_attribute("href"))
        for link in page.get_by_role("navigation", name="Project").get_by_role("link").all()
    ]
    tiles = next(path for path in menu if path.endswith("/integrations/"))
    tile = f"{tiles}sandbox/salesforce_messaging/"
    steps = [f"{tile}connect/{step}/" for step in STEPS]
    paths = [*menu, tile, f"{tile}disconnect/", *steps]
    page.set_viewport_size({"width": 360, "height": 740})

    widths = {}
    for path in paths:
        page.goto(path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")

    assert len(widths) == len(menu) + 2 + len(STEPS) and len(menu) > 20
    assert {path: width for path, width in widths.items() if width > 360} == {}
