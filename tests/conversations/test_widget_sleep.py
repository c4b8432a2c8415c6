"""Tabs that sleep, devices whose clock is wrong, networks that change, lines that were not sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conversations.test_widget_around import SURVEY
from tests.conversations.widget_lab import Lab, message

# No answer to a heartbeat, then the longest wait before the first attempt.
PROBED_MS = 6_500


@pytest.fixture
def lab(browser: Browser) -> Iterator[Lab]:
    made = Lab(browser)
    yield made
    made.context.close()


def write(page: Page, text: str) -> None:
    page.get_by_test_id("input").fill(text)
    page.get_by_test_id("input").press("Enter")


def test_a_device_five_hours_ahead_shows_the_servers_time(lab: Lab) -> None:
    page = lab.context.new_page()
    page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=5))
    page.goto("http://portal.test/")
    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    lab.says("LIVE_AGENT_MESSAGE", {"message_id": "m1", "agent_id": "a1", "text": "Hello"})

    write(page, "Not taken yet")

    times = [
        datetime.fromisoformat(str(message(page, text).locator("time").get_attribute("datetime")))
        for text in ("Hello", "Not taken yet")
    ]
    assert abs(times[1] - times[0]) < timedelta(minutes=2)
    assert abs(times[1] - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize(("hours", "is_open"), [(5, True), (-5, False)])
def test_a_survey_ends_by_the_portals_clock(lab: Lab, hours: int, is_open: bool) -> None:
    page = lab.context.new_page()
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    page.goto("http://portal.test/")
    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    asked = lab.says("SHOW_CSAT_REQUEST", {**SURVEY, "deadline_seconds": 600})
    if not is_open:
        asked["timestamp"] = (datetime.now(UTC) - timedelta(minutes=11)).isoformat()
        page.reload()
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})
    expect(page.get_by_test_id("survey")).to_be_visible()

    expect(page.get_by_test_id("survey-send")).to_be_visible(visible=is_open)


def test_a_socket_that_died_in_sleep_is_replaced_when_the_tab_wakes(lab: Lab) -> None:
    page = lab.context.new_page()
    page.clock.install()
    page.goto("http://portal.test/")
    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)

    for event in ("online", "pageshow", "resume", "visibilitychange"):
        lab.falls_silent()
        lab.says("LIVE_AGENT_MESSAGE", {"message_id": event, "agent_id": "a1", "text": event})
        target = "window" if event in ("online", "pageshow") else "document"
        page.evaluate(f"{target}.dispatchEvent(new Event('{event}', {{bubbles: true}}))")
        page.clock.run_for(PROBED_MS)

        expect(message(page, event)).to_have_count(1)


def test_a_line_that_was_never_taken_is_there_after_the_end_and_a_reload(lab: Lab) -> None:
    page = lab.open()
    write(page, "My order is 4711")
    expect(message(page, "My order is 4711")).to_have_count(1)
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})
    page.reload()
    expect(message(page, "My order is 4711")).to_have_count(1)

    page.get_by_test_id("new-chat").click()

    expect(page.get_by_test_id("input")).to_have_value("My order is 4711")


def test_a_line_survives_a_session_that_is_too_old_to_go_on(lab: Lab) -> None:
    page = lab.open()
    write(page, "Kept for a day")
    expect(message(page, "Kept for a day")).to_have_count(1)
    lab.token_status = 401
    page.evaluate(
        """() => {
          const kept = JSON.parse(localStorage["baton.wk_lab"]);
          localStorage["baton.wk_lab"] = JSON.stringify({ ...kept, expiresAt: 1 });
        }"""
    )

    page.reload()

    line = message(page, "Kept for a day")
    expect(line).to_have_count(1)
    expect(line).to_have_attribute("data-status", re.compile("failed"))
    assert len(lab.sessions) == 2
