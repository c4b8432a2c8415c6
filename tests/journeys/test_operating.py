"""An operator finds the way by keyboard, sees what went wrong, and a new project's first steps."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.people import Desk
from tests.journeys.portal import Portal, arrives
from tests.journeys.stack import Stack

TILE = "Salesforce Messaging"


@pytest.fixture
def portal(page: Page, stack: Stack) -> Portal:
    made = Portal(page, stack)
    made.sign_in()
    return made


def finds(page: Page, text: str, option: str) -> None:
    """Open the command box, write, wait until what is wanted is chosen, and go there."""
    arrives(page)
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name=re.compile("A page, an integration"))
    expect(box).to_be_focused()
    box.fill(text)
    expect(page.get_by_role("option", selected=True)).to_contain_text(option)
    page.keyboard.press("Enter")


def test_what_went_wrong_is_found_by_keyboard_alone(portal: Portal, stack: Stack) -> None:
    page = portal.page
    desk = Desk(stack.simulator_url)
    desk.reset()
    # The opening alone: those that other journeys left open look for their conversations.
    desk.fault("fail_next", status=403, method="POST", path_suffix="/conversation")

    finds(page, "sales sand", f"{TILE} (Sandbox)")
    arrives(page, TILE)
    page.get_by_role("link", name="Send test handoff").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send test handoff").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The test handoff did not go through.", exact=True)).to_be_visible()
    desk.reset()
    finds(page, "sales sand", TILE)
    page.get_by_role("link", name="Health", exact=True).focus()
    page.keyboard.press("Enter")
    arrives(page, f"Health of {TILE}")
    trouble = page.locator("[data-code]").filter(has_text="answered 403").first
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text("Do this:")
    expect(page.get_by_role("img", name=re.compile("^Calls"))).to_be_visible()

    page.keyboard.press("g")
    page.keyboard.press("h")
    arrives(page, "Handoffs")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("gl")  # in a field they are letters
    arrives(page, "Handoffs")
    page.keyboard.press("Escape")


def test_first_steps_of_a_new_project_tick_themselves_and_the_menu_folds(portal: Portal) -> None:
    page = portal.page
    name = f"Journey {uuid4().hex[:6]}"
    page.locator("[data-switcher] > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create project").click()

    arrives(page, name)
    steps = page.locator("[data-first-steps]")
    expect(steps).to_have_text("0 of 7. Next: connect an integration.")
    portal.open("Environments")
    page.get_by_role("link", name="Publish to Sandbox…").click()
    page.get_by_label("Note").fill("First")
    page.get_by_role("button", name="Publish to Sandbox").click()
    arrives(page, "Environments")
    portal.open("Home")
    expect(steps).to_have_text("1 of 7. Next: connect an integration.")
    expect(page.locator("[data-step=is_published]")).to_contain_text("Done:")

    fold = page.locator("[data-fold=build]")
    topics = page.get_by_role("link", name="Topics", exact=True)
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(topics).to_be_hidden()
    page.reload()
    expect(fold).not_to_have_attribute("open", "")
    expect(topics).to_be_hidden()
    page.get_by_role("button", name="Put away").click()
    expect(steps).to_have_count(0)
    portal.open("Project")
    page.get_by_role("button", name="Show the first steps").click()
    expect(steps).to_be_visible()
