"""An admin sets a project up by keyboard; a reader only reads; the tool's editor leads there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Watch
from tests.journeys.portal import Portal
from tests.journeys.stack import Stack

READER = "settings-reader"
PASSWORD = "only-for-this-journey"


GREETING = "Hello. How can I help you today?"


@pytest.fixture
def portal(page: Page, stack: Stack) -> Portal:
    made = Portal(page, stack)
    made.sign_in()
    return made


@pytest.fixture
def settings_put_back(stack: Stack) -> Iterator[None]:
    """The project is shared with the journeys that follow."""
    yield
    stack.run_module(
        "manage",
        "set_project",
        "demo",
        "demo-shop",
        "--greeting",
        GREETING,
        "--no-allow-inline-overrides",
    )


def no_wider_than_the_window(page: Page) -> bool:
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(fits))


def test_settings_are_changed_by_keyboard_with_errors_at_their_fields(
    portal: Portal, watch: Watch, settings_put_back: None
) -> None:
    page = portal.page
    portal.open("Project")
    keys = page.get_by_label("Values of conv.state to add")

    page.get_by_label("Greeting").fill("")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    keys.fill("order\norder")
    page.get_by_role("button", name="Save settings").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Greeting")).to_be_focused()
    expect(page.get_by_text("order is given twice.")).to_be_visible()
    expect(keys).to_have_attribute("aria-invalid", "true")
    watch.errors.clear()  # the browser notes the answer 422

    page.keyboard.type("Hello from the journey.")
    keys.fill("order = order_number")
    switch = page.get_by_label("Allow inline overrides")
    switch.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Saved: greeting, Handoff API, inline overrides.")).to_be_visible()
    expect(page.get_by_label("Greeting")).to_have_value("Hello from the journey.")
    expect(switch).to_be_checked()
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    expect(page.get_by_role("heading", name="Changes")).to_be_visible()


def test_leaving_with_unsaved_changes_is_asked_about(portal: Portal) -> None:
    page = portal.page
    portal.open("Project")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.get_by_label("Name of the AI agent").press_sequentially(" the second")
    page.get_by_role("navigation").get_by_role("link", name="Topics", exact=True).click()
    page.wait_for_timeout(0)

    expect(page.get_by_role("heading", level=1)).to_have_text("Project")
    assert asked == ["beforeunload"]


def test_what_was_entered_is_saved_after_being_signed_out_meanwhile(
    portal: Portal, stack: Stack, watch: Watch, settings_put_back: None
) -> None:
    page, save = portal.page, portal.page.get_by_role("button", name="Save settings")
    portal.open("Project")
    page.get_by_label("Greeting").fill("Kept meanwhile.")
    page.context.clear_cookies(name="sessionid")
    page.evaluate("Date.now = ((now) => () => now() + 120_000)(Date.now.bind(Date))")

    save.click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    watch.errors.clear()  # the browser notes the answer 401
    Portal(opened.value, stack).sign_in()
    save.click()

    expect(page.get_by_text("Saved: greeting")).to_be_visible()
    expect(page.get_by_label("Greeting")).to_have_value("Kept meanwhile.")


def test_a_reader_reads_the_settings_as_text(page: Page, stack: Stack) -> None:
    stack.run_module("manage", "add_member", "demo", READER, "--read", "account")
    stack.run_module(
        "manage",
        "shell",
        "-c",
        "from django.contrib.auth.models import User; "
        f"user = User.objects.get(username='{READER}'); "
        f"user.set_password('{PASSWORD}'); user.save()",
    )
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(stack.demo["admin"]["url"])
    page.get_by_label("User name or e-mail address").fill(READER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Open navigation").click()
    page.get_by_role("navigation").get_by_role("link", name="Project", exact=True).click()

    expect(page.get_by_text("edit access to Account is needed")).to_be_visible()
    expect(page.locator("main").get_by_role("textbox")).to_have_count(0)
    expect(page.locator("main").get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("Allow inline overrides")).to_be_visible()
    assert no_wider_than_the_window(page)
