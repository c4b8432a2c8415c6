"""Every kind of rich content that a vendor sends, in a real browser, answered both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from config.demo.vendors import demo_vendors
from integrations.management.commands.run_simulator import _simulator_class
from tests.journeys.conftest import Watch
from tests.journeys.rich_talk import WITHOUT_CHOICES, Talk
from tests.journeys.stack import Stack

# Which together have choices, cards, forms, slots, media, and a page at the desk.
IN_SUITE = ("salesforce_messaging", "amazon_connect", "zendesk")
VENDORS = [
    pytest.param(key, marks=() if key in IN_SUITE else pytest.mark.long)
    for key in demo_vendors()
    if _simulator_class(key).rich_messages
]
FILLED = {"email": "ida@example.com", "number": "7", "date": "2026-12-03", "text": "Ida Olsen"}


@pytest.fixture
def context(browser: Browser, stack: Stack, watch: Watch, key: str) -> Iterator[BrowserContext]:
    """A fresh profile in a zone that is not the vendor's."""
    made = browser.new_context(
        base_url=stack.url, timezone_id="Europe/Berlin", reduced_motion="reduce"
    )
    made.set_default_timeout(10_000)
    watch.allowed_origins.append(stack.simulator_urls[key])  # for its desk
    made.on("page", watch.page)
    yield made
    made.close()
    assert watch.errors == []
    assert watch.foreign_requests == []


@pytest.mark.parametrize("key", VENDORS)
@pytest.mark.timeout(240)
def test_every_kind_is_drawn_and_answered_by_click_and_by_typing(
    key: str, stack: Stack, context: BrowserContext
) -> None:
    talk = Talk(key, context.new_page(), stack)
    kinds = talk.desk.kinds()

    assert ("choices" in kinds) == (key not in WITHOUT_CHOICES)
    for kind in kinds:
        line = talk.receives(kind)
        if not line.locator("[data-testid=choice], [data-testid=form]").count():
            continue
        is_form = line.get_by_test_id("form").count()
        clicks(talk, kind)
        if not is_form:
            talk.receives(kind)
            types(talk, kind)
    if key == "zendesk":  # one page for all vendors
        shows_the_answers_at_its_desk(context, talk, stack.simulator_urls[key])


def clicks(talk: Talk, kind: str) -> None:
    offer = talk.newest_offer()
    if offer.get_by_test_id("form").count():
        fill(offer)
        talk.answered(kind, "", "by form", give=lambda: sends(talk, offer))
        return
    button = offer.get_by_test_id("choice").first
    label = button.locator(".label").inner_text()
    shown = "" if offer.get_by_test_id("slots").count() else label
    talk.answered(kind, shown, "by click", give=button.click)
    expect(talk.page.locator("[data-testid=choice][aria-pressed=true]").last).to_have_text(
        re.compile(re.escape(label))
    )


def types(talk: Talk, kind: str) -> None:
    """Write the label in other letters, or the number where labels are not to be written."""
    offer = talk.newest_offer()
    label = offer.get_by_test_id("choice").first.locator(".label").inner_text()
    by_number = kind != "choices"
    text = "1" if by_number else f" {label.upper()} "
    talk.answered(
        kind, "" if by_number else label, "by typing", give=lambda: talk.end_user.write(text)
    )


def sends(talk: Talk, offer: Locator) -> None:
    offer.get_by_test_id("form-send").click()
    expect(talk.page.get_by_test_id("form-state").last).to_have_text("Your answers were sent.")


def fill(offer: Locator) -> None:
    for box in offer.locator(".field").all():
        control = box.locator("input, select")
        if control.evaluate("(one) => one.localName") == "select":
            control.select_option(index=1)
        else:
            control.fill(FILLED.get(control.get_attribute("type") or "text", FILLED["text"]))


def shows_the_answers_at_its_desk(context: BrowserContext, talk: Talk, url: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/_desk/")
    page.locator(f"[data-id='{talk.chat}']").click()

    expect(page.get_by_text("Structured answer:").first).to_be_visible()
    expect(page.get_by_role("group", name="Send rich content").get_by_role("button")).to_have_text(
        [kind.replace("_", " ") for kind in talk.desk.kinds()]
    )
    before = talk.said.count()
    page.get_by_role("button", name="choices", exact=True).click()
    expect(talk.said.nth(before)).to_be_visible()
