"""Single failures in mid chat: nothing lost, nothing doubled, in order, and quickly mended."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Watch
from tests.journeys.people import Desk, EndUser, seconds_since
from tests.journeys.stack import Stack
from tests.waiting import eventually

LINES = 12
FAULT_AT = 4
OWNER = """
    SELECT worker.name FROM handoffs_handoff AS handoff
    JOIN handoffs_relayworker AS worker ON worker.id = handoff.owner_id
    ORDER BY handoff.requested_at DESC LIMIT 1
"""


class Chat:
    """A running conversation in which both sides count aloud."""

    def __init__(self, end_user: EndUser, desk: Desk) -> None:
        self.end_user, self.desk = end_user, desk
        end_user.asks_for_a_person()
        self.id = desk.accept_newest()
        end_user.is_in_state("live")
        self.counted = 0

    def count(self, lines: int) -> None:
        """Let each side say the next numbers."""
        for number in range(self.counted, self.counted + lines):
            self.end_user.write(f"end user {number}")
            self.desk.does(self.id, "say", text=f"live agent {number}")
        self.counted += lines

    def is_whole(self, *, seconds: float = 20) -> None:
        """Wait until each side has everything, then check that each line came once, in order."""
        from_agent = [f"live agent {number}" for number in range(self.counted)]
        from_user = [f"end user {number}" for number in range(self.counted)]
        last = self.end_user.messages("live_agent").filter(has_text=from_agent[-1])
        expect(last.first).to_be_visible(timeout=seconds * 1000)
        eventually(lambda: from_user[-1] in self.desk.said_by_end_user(self.id), seconds=seconds)
        # The last bubble may be seen while those before it are still being drawn.
        shown = self.end_user.texts
        eventually(lambda: len(shown("live_agent")) >= self.counted, seconds=seconds)
        assert self.end_user.texts("live_agent") == from_agent
        assert self.end_user.texts("end_user")[-self.counted :] == from_user
        assert self.desk.said_by_end_user(self.id) == from_user


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    made = Desk(stack.simulator_url)
    made.reset()
    yield made
    made.reset()


@pytest.fixture
def chat(page: Page, stack: Stack, desk: Desk) -> Chat:
    return Chat(EndUser(page, stack), desk)


def owner_of_newest_handoff(stack: Stack) -> str:
    """Return the name of the relay worker process that serves the newest handoff."""
    with psycopg.connect(stack.database_url) as connection:
        row = connection.execute(OWNER).fetchone()
    assert row is not None
    pid = int(row[0].rsplit(":", 1)[1])
    return next(name for name in ("relay1", "relay2") if stack.pid(name) == pid)


def test_a_killed_relay_worker_is_replaced_within_ten_seconds(stack: Stack, chat: Chat) -> None:
    chat.count(FAULT_AT)
    owner = owner_of_newest_handoff(stack)

    stack.kill(owner, signal.SIGKILL)
    killed = time.monotonic()
    chat.count(LINES)
    last = chat.end_user.messages("live_agent").filter(has_text=f"live agent {chat.counted - 1}")
    expect(last.first).to_be_visible(timeout=15_000)
    took = seconds_since(killed)

    chat.is_whole()
    stack.start(owner)
    assert took < 10


def test_a_relay_worker_that_is_told_to_stop_hands_over_at_once(stack: Stack, chat: Chat) -> None:
    chat.count(FAULT_AT)
    owner = owner_of_newest_handoff(stack)

    stack.kill(owner, signal.SIGTERM)
    chat.count(LINES)

    chat.is_whole(seconds=5)
    stack.start(owner)


def test_a_dropped_stream_is_resumed(chat: Chat, desk: Desk) -> None:
    chat.count(FAULT_AT)

    desk.fault("drop_streams")
    chat.count(LINES)

    chat.is_whole()


def test_doubled_and_echoed_events_are_shown_once(chat: Chat, desk: Desk) -> None:
    desk.fault("duplicate_next")
    chat.count(FAULT_AT)

    chat.is_whole()


def test_a_vendor_that_fails_for_a_while_gets_every_message_once(chat: Chat, desk: Desk) -> None:
    chat.count(FAULT_AT)

    desk.fault("fail_next", status=503, count=4, path_prefix="/iamessage")
    chat.count(LINES)

    chat.is_whole()


def test_a_message_that_was_taken_but_not_confirmed_is_not_doubled(chat: Chat, desk: Desk) -> None:
    desk.fault("fail_next", status=504, count=1, path_prefix="/iamessage", after_accept=True)
    chat.count(FAULT_AT)

    chat.is_whole()


def test_a_killed_web_process_loses_nothing(stack: Stack, chat: Chat, watch: Watch) -> None:
    chat.count(FAULT_AT)

    stack.kill("web", signal.SIGKILL)
    chat.count(LINES)
    chat.end_user.is_in_state("offline")
    stack.start("web")

    chat.is_whole(seconds=40)
    watch.errors.clear()


def test_an_emptied_redis_loses_nothing(stack: Stack, chat: Chat) -> None:
    chat.count(FAULT_AT)

    stack.restart_redis()
    chat.count(LINES)

    chat.is_whole(seconds=40)


def test_every_worker_killed_and_started_again_loses_nothing(stack: Stack, chat: Chat) -> None:
    chat.count(FAULT_AT)

    workers = ("relay1", "relay2", "worker", "beat")
    for name in workers:
        stack.kill(name, signal.SIGKILL)
    chat.count(LINES)
    for name in workers:
        stack.start(name)

    chat.is_whole(seconds=20)


def test_a_page_that_is_reloaded_has_everything_once(chat: Chat) -> None:
    chat.count(FAULT_AT)

    chat.end_user.page.reload()
    chat.end_user.open()
    chat.count(LINES)

    chat.is_whole()


def test_a_sleeping_relay_worker_changes_nothing_when_it_wakes(stack: Stack, chat: Chat) -> None:
    chat.count(FAULT_AT)
    owner = owner_of_newest_handoff(stack)

    stack.pause(owner)
    chat.count(LINES)
    chat.is_whole(seconds=20)
    stack.resume(owner)
    chat.count(FAULT_AT)

    chat.is_whole()
