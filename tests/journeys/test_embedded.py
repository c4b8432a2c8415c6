"""The main journey on the embedded default, SQLite; tests/config/test_demo.py has a short one."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import Browser

from tests.journeys.people import UTTERANCE, Desk, EndUser
from tests.journeys.stack import Stack
from tests.journeys.test_stack import is_ready
from tests.waiting import eventually

pytestmark = pytest.mark.long


def test_embedded_default_is_ready_with_the_same_checks(embedded_stack: Stack) -> None:
    assert is_ready(embedded_stack)


def test_a_conversation_is_handed_over_and_back_on_sqlite(
    embedded_stack: Stack, browser: Browser
) -> None:
    desk = Desk(embedded_stack.simulator_url)
    end_user = EndUser(browser.new_page(), embedded_stack)

    end_user.asks_for_a_person()
    end_user.sees(UTTERANCE, "ai_agent")
    chat = desk.accept_newest()
    for number in range(5):
        end_user.write(f"end user {number}")
        desk.does(chat, "say", text=f"live agent {number}")
    end_user.sees("live agent 4")
    wanted = [f"end user {number}" for number in range(5)]
    eventually(lambda: desk.said_by_end_user(chat) == wanted)
    desk.does(chat, "end")

    end_user.is_in_state("closed")
    assert end_user.texts("live_agent") == [f"live agent {number}" for number in range(5)]
    end_user.page.close()


def test_both_relay_workers_may_die_on_sqlite(embedded_stack: Stack, browser: Browser) -> None:
    desk = Desk(embedded_stack.simulator_url)
    end_user = EndUser(browser.new_page(), embedded_stack)
    end_user.asks_for_a_person()
    chat = desk.accept_newest()
    end_user.is_in_state("live")

    for name in ("relay1", "relay2"):
        embedded_stack.kill(name, signal.SIGKILL)
    end_user.write("still there?")
    desk.does(chat, "say", text="still here")
    for name in ("relay1", "relay2"):
        embedded_stack.start(name)

    end_user.sees("still here")
    eventually(lambda: desk.said_by_end_user(chat) == ["still there?"])
    end_user.page.close()
