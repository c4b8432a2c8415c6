"""A flow with a transfer is built, tried, released, promoted and rolled back in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.portal import Portal
from tests.journeys.stack import Stack


@pytest.fixture
def portal(page: Page, stack: Stack) -> Iterator[Portal]:
    """A project of its own: releases of the shared one would hold back what others edit."""
    made = Portal(page, stack)
    made.sign_in()
    page.goto(f"{stack.url}/projects/new/")
    page.get_by_label("Name").fill("Released")
    page.get_by_role("button", name="Create project").click()
    yield made


def build(portal: Portal) -> None:
    """Build a flow: it asks for an order, then hands over to a place of the project's."""
    page = portal.page
    portal.open("Destinations")
    portal.main.get_by_role("link", name="Add destination").first.click()
    page.get_by_label("Name", exact=True).fill("Parcels desk")
    page.get_by_role("button", name="Save destination").click()
    portal.open("Flows")
    portal.main.get_by_role("link", name="New flow").click()
    page.get_by_label("Name").fill("Returns")
    page.get_by_role("button", name="Create flow").click()
    page.get_by_label("Kind of the new step").select_option("Agent transfer")
    page.get_by_role("button", name="Add step").click()
    page.get_by_label("Name", exact=True).first.fill("Person")
    expect(page.get_by_role("heading", name="Collect")).to_be_hidden()
    page.get_by_label("What the AI agent says").fill("I will get somebody.")
    page.get_by_label("Hand over to").select_option("Parcels desk")
    page.get_by_label("Private note").fill("Comes back often.")
    page.get_by_label("If the handoff fails, go on at").select_option("Start")
    page.get_by_role("button", name="Save step").click()
    portal.main.get_by_role("link", name="Start", exact=True).click()
    page.get_by_label("What the AI agent says").fill("Let us bring it back.")
    row = page.get_by_role("group", name="Value 1")
    row.get_by_label("Name").fill("order_number")
    row.get_by_label("Kind").select_option("Code with digits")
    row.get_by_label("Question").fill("Which order?")
    page.get_by_label("Then go on at").select_option("Person")
    page.get_by_role("button", name="Save step").click()
    expect(page.get_by_role("img", name="Steps of Returns")).to_be_visible()
    portal.open("Topics")
    portal.main.get_by_role("link", name="New topic").first.click()
    page.get_by_label("Name", exact=True).fill("bring something back")
    page.get_by_role("button", name="Add action").click()
    page.get_by_label("What to do").select_option("Returns")
    page.get_by_role("button", name="Save topic").click()


def tried(portal: Portal) -> None:
    """Talk to the draft: nothing is connected, so the flow takes its branch for failures."""
    page = portal.page
    portal.open("Test")
    page.get_by_role("button", name="Begin").click()
    said, why = page.get_by_role("log", name="Conversation"), page.get_by_label("How it came about")
    for text, answer in (("bring something back", "Which order?"), ("A-1042", "I will get")):
        page.get_by_label("Message").fill(text)
        page.get_by_role("button", name="Send").click()
        expect(said).to_contain_text(answer)
    expect(why).to_contain_text("Topic “bring something back” matched with 100% likeness.")
    expect(page.get_by_label("Handoff", exact=True)).to_contain_text("Failed")
    page.get_by_text("Payload", exact=True).click()
    expect(page.get_by_label("Handoff", exact=True)).to_contain_text("Comes back often.")
    expect(said.get_by_text("Let us bring it back.")).to_have_count(2)
    # What is read stays open while the panel keeps itself fresh.
    expect(page.get_by_text("Comes back often.").first).to_be_visible()


def move(page: Page, button: str, *, is_live: bool = False, note: str = "") -> None:
    """Carry out the move whose page is open."""
    page.get_by_label("Note").fill(note)
    if is_live:
        page.get_by_label("Type Live to confirm").fill("Live")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", name="Environments", level=1)).to_be_visible()


def take(page: Page, environment: str, release: str) -> None:
    """Open the page that moves an environment to a release."""
    other = page.get_by_label(f"Another release for {environment}", exact=True)
    other.select_option(label=release)
    page.get_by_role("button", name=f"Review another release for {environment}").click()


def test_a_flow_is_built_released_promoted_and_rolled_back(portal: Portal) -> None:
    page = portal.page
    build(portal)
    tried(portal)
    portal.open("Environments")
    expect(portal.main.get_by_text("Follows the draft")).to_have_count(3)
    page.get_by_role("link", name="Publish to Sandbox…").click()
    move(page, "Publish to Sandbox", note="First")
    take(page, "Live", "Release 1: First")
    move(page, "Promote to Live", is_live=True)

    portal.open("Flows")
    portal.main.get_by_role("link", name="Returns").click()
    portal.main.get_by_role("link", name="Person", exact=True).click()
    page.get_by_label("What the AI agent says").fill("One moment.")
    page.get_by_role("button", name="Save step").click()
    portal.open("Environments")
    page.get_by_role("link", name="Publish to Sandbox…").click()
    expect(page.get_by_text("One moment.").first).to_be_visible()
    move(page, "Publish to Sandbox", note="Second")
    take(page, "Live", "Release 2: Second")
    move(page, "Promote to Live", is_live=True)

    take(page, "Live", "Release 1: First")
    expect(page.get_by_role("heading", name="Roll Live back to release 1")).to_be_visible()
    move(page, "Roll back to release 1", is_live=True)
    history = page.get_by_role("region", name="Table of moves")
    expect(history.get_by_role("row").nth(1)).to_contain_text("release 2 → release 1")
    expect(history.get_by_role("row").nth(1)).to_contain_text("Rolled back")
