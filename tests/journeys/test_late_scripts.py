"""On a slow line a page is used before its scripts are there: what was done meanwhile counts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.journeys.conftest import Watch
from tests.journeys.gallery.pages import planted, sign_in
from tests.journeys.stack import Stack

SCRIPTS = re.compile(r"\.js(\?|$)")


class SlowLine:
    """Holds every script that a page asks for until it is let through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._held: list[Route] = []

    def open(self, path: str, scripts: re.Pattern[str] = SCRIPTS) -> None:
        """Open a page whose scripts do not come yet."""
        self.slows_down(scripts)
        self.page.goto(path, wait_until="commit")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def slows_down(self, scripts: re.Pattern[str] = SCRIPTS) -> None:
        """Hold scripts from now on."""
        self._is_slow = True
        self.page.route(scripts, self._meet)

    def scripts_come(self) -> None:
        """Let through what was held, and return when the page has run it."""
        self._is_slow = False
        for route in self._held:
            route.continue_()
        self._held.clear()
        self.page.wait_for_load_state()

    def _meet(self, route: Route) -> None:
        if self._is_slow:
            self._held.append(route)
        else:
            route.continue_()


@pytest.fixture
def line(page: Page, stack: Stack) -> SlowLine:
    sign_in(page, stack)
    return SlowLine(page)


@pytest.fixture
def project(stack: Stack) -> str:
    return f"/p/{planted(stack.simulator_url, stack)['project_id']}/"


def test_who_writes_in_a_tool_goes_on_writing_where_they_were_when_the_editor_comes(
    line: SlowLine, project: str
) -> None:
    page = line.page
    line.open(f"{project}tools/new/")
    box = page.locator("[data-code]")
    box.fill("def look(conv):\n    return 1\n")
    box.press("ArrowUp")
    box.press("End")
    page.keyboard.type("2")

    line.scripts_come()

    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.type("3")
    expect(box).to_have_value("def look(conv):\n    return 123\n")


def test_what_was_entered_early_is_not_saved_yet(line: SlowLine, project: str) -> None:
    page = line.page
    line.open(f"{project}settings/project/")
    name = page.get_by_label("Name of the AI agent")
    before = name.input_value()
    name.fill(f"{before} and more")

    line.scripts_come()

    mark = page.locator("form[data-unsaved] [data-unsaved-mark]").first
    expect(mark).to_have_text("Not saved yet.")
    name.fill(before)
    expect(mark).to_have_text("")


def test_a_page_that_names_mistakes_leaves_the_focus_to_who_is_writing(
    line: SlowLine, project: str, watch: Watch
) -> None:
    page = line.page
    line.open(f"{project}integrations/pre-release/salesforce_messaging/connect/values/")
    line.scripts_come()
    page.get_by_label("Organization ID").fill("")  # another journey may have begun here
    line.slows_down()
    page.get_by_role("button", name="Continue to the test").click()
    expect(page.get_by_text("Organization ID is missing.")).to_be_visible()
    watch.errors.clear()  # the browser notes the answer 422
    page.get_by_label("Developer Name").focus()

    line.scripts_come()

    expect(page.get_by_label("Developer Name")).to_be_focused()


def test_a_connection_type_that_was_chosen_early_shows_its_fields(
    line: SlowLine, project: str
) -> None:
    page = line.page
    line.open(f"{project}integrations/pre-release/salesforce_messaging/connect/values/")
    page.get_by_label("Connection type").select_option("miaw_verified")

    line.scripts_come()

    expect(page.get_by_label("Auth Key ID")).to_be_visible()


def test_a_filter_that_was_ticked_early_filters(line: SlowLine, project: str, stack: Stack) -> None:
    page = line.page
    handoff = planted(stack.simulator_url, stack)["handoff_id"]
    line.open(f"{project}handoffs/{handoff}/")
    page.get_by_label("Vendor calls").uncheck()

    line.scripts_come()

    expect(page.get_by_role("button", name="Show", exact=True)).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?kind="))
    expect(page.get_by_label("Vendor calls")).not_to_be_checked()
    expect(page.locator(".moment[data-kind=call]")).to_have_count(0)


def test_of_answers_that_overtake_each_other_the_newest_question_is_shown(
    line: SlowLine, project: str, stack: Stack
) -> None:
    page = line.page
    handoff = planted(stack.simulator_url, stack)["handoff_id"]
    line.open(f"{project}handoffs/{handoff}/")
    line.scripts_come()
    parts = re.compile(r"/live/\?")
    held: list[Route] = []
    page.route(parts, lambda route: held.append(route))
    with page.expect_request(parts):
        page.get_by_label("Vendor calls").uncheck()
    with page.expect_request(parts):
        page.get_by_label("Problems only").check()

    for route in reversed(held):
        with page.expect_request_finished(lambda asked: parts.search(asked.url)):
            route.continue_()
        # What the answer does is done by the time that the page has nothing else to do.
        page.evaluate("() => new Promise((idle) => requestIdleCallback(idle))")

    expect(page.get_by_label("Problems only")).to_be_checked()
    expect(page.get_by_label("Vendor calls")).not_to_be_checked()


def test_the_groups_of_the_menu_unfold_without_a_script(line: SlowLine, project: str) -> None:
    page = line.page
    line.open(f"{project}topics/")
    group = page.locator("[data-fold=operate]")
    link = group.get_by_role("link").first
    expect(link).to_be_visible()

    group.locator("summary").click()
    expect(link).to_be_hidden()
    group.locator("summary").click()
    expect(link).to_be_visible()


def test_what_the_test_panel_could_not_send_stays_in_its_field(
    line: SlowLine, project: str, watch: Watch
) -> None:
    page = line.page
    page.goto(f"{project}test/")
    page.locator("main form button").first.click()
    said = page.locator("[data-test-say] input[name=text]")
    expect(said).to_be_visible()
    page.wait_for_load_state()

    def is_sent(request: Request) -> bool:
        return request.method == "POST"

    page.route("**/*", lambda route: route.abort() if is_sent(route.request) else route.fallback())
    said.fill("Where can I park?")
    with page.expect_event("requestfailed", is_sent):
        said.press("Enter")

    expect(page.get_by_text("Not sent. Send it again.")).to_be_visible()
    expect(said).to_have_value("Where can I park?")
    watch.errors.clear()  # the browser says that it was not sent


def test_a_widget_that_comes_late_takes_back_that_it_has_not_come(
    line: SlowLine, stack: Stack
) -> None:
    page = line.page
    page.clock.install()
    line.open(stack.demo["widget_page"], re.compile(r"conversations/widget\.js"))
    missing = page.get_by_text("The widget has not appeared.")
    expect(missing).to_be_hidden()
    page.wait_for_function("() => document.readyState !== 'loading'")
    page.clock.fast_forward(9_000)
    expect(missing).to_be_visible()

    line.scripts_come()

    expect(page.get_by_test_id("bubble")).to_be_visible()
    expect(missing).to_be_hidden()
