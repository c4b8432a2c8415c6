"""What is entered and not saved is not lost by leaving: a tool with its editor, a topic's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.journeys.conftest import Watch
from tests.journeys.portal import Portal, arrives
from tests.journeys.stack import Stack

NAME = "kept_while_leaving"
CLEAN_UP = (
    "from conversations.models import Tool, Topic; "
    f"Tool.objects.filter(name='{NAME}').delete(); Topic.objects.filter(name='{NAME}').delete()"
)


class Leaving:
    """Notes what the browser asks before a page is left, and stays on the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        page.on("dialog", self._stay)

    def _stay(self, dialog: Dialog) -> None:
        self.asked.append(dialog.type)
        dialog.dismiss()

    def is_asked_about(self) -> bool:
        """Follow the menu to the Integrations page and tell whether that asked."""
        before = len(self.asked)
        self._menu("Integrations").click()
        if len(self.asked) == before:
            arrives(self.page, "Integrations")
            return False
        assert self.asked[before:] == ["beforeunload"]
        return True

    def _menu(self, entry: str):
        navigation = self.page.get_by_role("navigation")
        return navigation.get_by_role("link", name=entry, exact=True)


@pytest.fixture
def portal(page: Page, stack: Stack) -> Iterator[Portal]:
    made = Portal(page, stack)
    made.sign_in()
    yield made
    stack.run_module("manage", "shell", "-c", CLEAN_UP)


@pytest.fixture
def leaving(portal: Portal) -> Leaving:
    return Leaving(portal.page)


def new(portal: Portal, pages: str, link: str) -> Page:
    portal.open(pages)
    portal.main.get_by_role("link", name=link).first.click()
    arrives(portal.page, link)
    return portal.page


def write_source(page: Page) -> None:
    """Write a tool as one does: the editor indents, and closes what is opened."""
    page.get_by_role("textbox", name="Python source").focus()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.type(f"def {NAME}(conv):\nreturn 'kept'")


def test_the_source_of_a_tool_is_asked_about_until_it_is_saved(
    portal: Portal, leaving: Leaving
) -> None:
    page = new(portal, "Tools", "New tool")
    editor = page.get_by_role("textbox", name="Python source")
    unsaved = page.get_by_text("Not saved yet.")
    page.get_by_label("Name", exact=True).first.fill(NAME)
    write_source(page)
    expect(unsaved).to_be_visible()

    page.get_by_role("button", name="Run with sample conversation").click()
    expect(page.locator("[data-run-result]")).to_contain_text("kept")
    expect(unsaved).to_be_visible()
    assert leaving.is_asked_about()
    expect(editor).to_contain_text("return 'kept'")

    page.get_by_role("button", name="Save tool").click()
    arrives(page, NAME)
    expect(unsaved).to_be_hidden()
    assert leaving.asked == ["beforeunload"]
    assert not leaving.is_asked_about()


def test_a_tool_that_is_as_it_was_saved_again_is_left_without_a_question(
    portal: Portal, leaving: Leaving
) -> None:
    page = new(portal, "Tools", "New tool")
    editor = page.get_by_role("textbox", name="Python source")
    before = page.locator("[data-code]").input_value()
    editor.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("#")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.keyboard.press("Backspace")

    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    expect(page.locator("[data-code]")).to_have_value(before)
    assert not leaving.is_asked_about()


def test_who_was_signed_out_keeps_the_source_that_they_run(portal: Portal, watch: Watch) -> None:
    page = new(portal, "Tools", "New tool")
    editor = page.get_by_role("textbox", name="Python source")
    write_source(page)
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Run with sample conversation").click()

    result = page.locator("[data-run-result]")
    expect(result.get_by_role("link", name="Sign in in a new tab")).to_be_visible()
    expect(result.get_by_label("Password")).to_have_count(0)
    expect(editor).to_contain_text("return 'kept'")


def test_a_row_that_was_added_to_a_topic_is_asked_about_until_it_is_saved(
    portal: Portal, leaving: Leaving
) -> None:
    page = new(portal, "Topics", "New topic")
    unsaved = page.get_by_text("Not saved yet.")
    expect(unsaved).to_be_hidden()
    page.get_by_role("button", name="Add action").click()
    expect(page.get_by_label("What to do")).to_be_visible()
    page.wait_for_load_state()

    expect(unsaved).to_be_visible()
    assert leaving.is_asked_about()

    page.get_by_label(re.compile("^Name")).first.fill(NAME)
    page.get_by_label("Example", exact=False).first.fill("What is kept while I leave?")
    page.get_by_label("Content", exact=False).first.fill("All of it.")
    page.get_by_role("button", name="Save topic").click()
    arrives(page, NAME)
    expect(unsaved).to_be_hidden()
    assert leaving.asked == ["beforeunload"]
    assert not leaving.is_asked_about()
