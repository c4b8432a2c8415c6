"""Nobody is there at the first vendor: the admin has chosen a second one, and it serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.people import Desk, EndUser
from tests.journeys.portal import Portal
from tests.journeys.stack import Stack

FIRST, SECOND = "Salesforce Messaging", "Amazon Connect"


@pytest.fixture
def portal(page: Page, stack: Stack) -> Iterator[Portal]:
    made = Portal(page, stack)
    made.sign_in()
    yield made
    _decide(made, "Wait in Salesforce's queue")


@pytest.fixture
def desks(stack: Stack) -> Iterator[tuple[Desk, Desk]]:
    urls = stack.simulator_urls
    first, second = Desk(urls["salesforce_messaging"]), Desk(urls["amazon_connect"])
    first.fault("agents_offline", bool=True)
    yield first, second
    first.fault("agents_offline", bool=False)


def _decide(portal: Portal, way: str, other: str = "") -> None:
    """Set what happens when nobody is available at the first vendor."""
    portal.open("Integrations")
    portal.tile(FIRST).get_by_role("link").first.click()
    portal.page.get_by_role("link", name="Behaviour", exact=True).first.click()
    portal.page.get_by_label("If nobody is available").select_option(label=way)
    if other:
        portal.page.get_by_label("Integration to try then").select_option(label=other)
    portal.page.get_by_role("button", name="Save behaviour").click()
    expect(portal.page.get_by_text("Behaviour saved.")).to_be_visible()


def test_the_second_vendor_serves_and_the_end_user_reads_one_message(
    portal: Portal, desks: tuple[Desk, Desk], context: BrowserContext, stack: Stack
) -> None:
    first, second = desks
    _decide(portal, "Try another integration", SECOND)
    end_user = EndUser(context.new_page(), stack)

    end_user.asks_for_a_person()
    expect(end_user.by_id("panel").get_by_text("looking for somebody else")).to_have_count(1)
    chat = second.accept_newest("Ruth Abara")
    end_user.is_in_state("live")
    second.does(chat, "say", text="Ruth here, how can I help?")
    end_user.sees("Ruth here, how can I help?")
    end_user.write("My parcel is lost")
    end_user.sees("My parcel is lost", "end_user")
    portal.open("Handoffs")
    portal.newest_handoff()

    expect(
        portal.main.get_by_text("Attempt 2: Amazon Connect in place of Salesforce")
    ).to_be_visible()
    assert first.conversations("queued") == []
    second.does(chat, "end")
    end_user.is_in_state("closed")
