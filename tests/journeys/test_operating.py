"""An operator finds the way by keyboard, sees what went wrong, and a new project's first steps."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.people import Desk, EndUser
from tests.journeys.portal import Portal, arrives
from tests.journeys.stack import Stack
from tests.journeys.test_accessibility import EVERYTHING, violations
from tests.waiting import eventually

TILE = "Salesforce Messaging"
DESK, PHONE = (("desk", "light", EVERYTHING),), (("phone", "dark", EVERYTHING),)


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


def test_a_chat_is_watched_beside_the_console_and_ended_with_a_note(
    portal: Portal, stack: Stack
) -> None:
    page, desk = portal.page, Desk(stack.simulator_url)
    desk.reset()
    end_user = EndUser(page.context.new_page(), stack)
    end_user.asks_for_a_person()
    portal.open("Live")
    row = page.locator("[data-rows] tr").last  # the newest
    path = row.locator("[data-watch]").get_attribute("href") or "?"
    row.get_by_role("link", name=re.compile("^In queue")).focus()

    page.keyboard.press("d")
    drawer = page.locator("[data-drawer]")
    expect(drawer.get_by_role("heading", level=2).first).to_be_focused()
    expect(drawer).to_contain_text("You are watching. Nobody in the chat is told.")
    vendors = desk.accept_newest("Noor Halvorsen")
    end_user.is_in_state("live")
    desk.does(vendors, "say", text="Let me look for it")
    expect(drawer).to_contain_text("Let me look for it")

    drawer.get_by_label("New note").fill("A regular")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(drawer.locator(".note")).to_contain_text("A regular")
    expect(drawer.get_by_label("New note")).to_be_focused()
    drawer.get_by_label("New tag").fill('no "tag"')
    page.keyboard.press("Enter")
    expect(page.locator("[data-toast]")).to_contain_text("without quotation marks")
    assert violations(page, DESK) == []

    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(row.locator("[data-watch]")).to_be_focused()
    page.set_viewport_size({"width": 360, "height": 740})
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[data-drawer-dialog]")
    expect(dialog).to_contain_text("Let me look for it")
    assert violations(page, PHONE) == []
    dialog.get_by_role("button", name="End conversation").click()
    asked = page.get_by_role("dialog", name="End conversation?")
    asked.get_by_label("Note (optional)").fill("Called back")
    asked.get_by_role("button", name="End conversation").click()

    expect(page.locator("[data-toast]")).to_contain_text("Ended.")
    end_user.is_in_state("closed")
    arrives(page, "Live")
    page.keyboard.press("g")
    page.keyboard.press("c")
    arrives(page, "Conversations")
    found = f"{page.url}?q=channel:webchat"
    # A clock writes what can be searched.
    eventually(lambda: path in page.request.get(found).text())
    page.keyboard.press("/")
    page.keyboard.type("channel:webchat")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Conversations")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-list] input").first).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#notes")).to_contain_text("End conversation: Called back")


def test_rows_keep_their_places_under_the_pointer_and_move_when_it_leaves(
    portal: Portal, stack: Stack
) -> None:
    page, rows = portal.page, portal.page.locator("[data-rows] tr")
    first = EndUser(page.context.new_page(), stack)
    first.asks_for_a_person()
    portal.open("Live")
    expect(page.locator("[data-mark]")).to_have_text("Live")
    count, resort = rows.count(), page.locator("[data-resort]")
    rows.last.locator("[data-label='Relay worker']").hover()

    second = EndUser(page.context.browser.new_context(base_url=stack.url).new_page(), stack)
    second.asks_for_a_person()
    expect(resort).to_have_text(re.compile(r"Re-sort \(\d+ moved\)"))
    expect(rows).to_have_count(count)
    page.get_by_role("heading", level=1).hover()
    expect(rows).to_have_count(count + 1)
    expect(resort).to_be_hidden()


def test_what_is_new_in_a_list_waits_behind_a_button_and_what_changes_is_taken_up(
    portal: Portal, stack: Stack
) -> None:
    page = portal.page
    first = EndUser(page.context.new_page(), stack)
    first.sees("Hello", "ai_agent")
    portal.open("Conversations")
    rows = page.locator("[data-list] tbody tr")
    going, count = rows.first, rows.count()
    expect(going).to_contain_text("With AI agent")

    first.asks_for_a_person()
    expect(going).to_contain_text("Live now", timeout=30_000)
    second = EndUser(page.context.browser.new_context(base_url=stack.url).new_page(), stack)
    second.sees("Hello", "ai_agent")
    news = page.get_by_role("button", name="1 new")
    expect(news).to_be_visible(timeout=30_000)
    expect(rows).to_have_count(count)

    news.click()
    expect(rows).to_have_count(count + 1)
    expect(rows.first).to_contain_text("With AI agent")
    second.page.context.close()
