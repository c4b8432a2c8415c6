"""A network that lets pages through but no WebSocket: it ends no conversation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.journeys.network import Network
from tests.journeys.people import Desk, EndUser
from tests.journeys.stack import Stack
from tests.waiting import eventually

# The widget gave a conversation up after six.
REFUSALS = 9
REFUSALS_OF_A_NETWORK = 3
STALL_MS = 11_000
LONGEST_WAIT_MS = 30_000


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, stack: Stack, network: Network) -> Iterator[Page]:
    """A tab behind the network; its timers can be hurried."""
    context = browser.new_context(base_url=stack.url, proxy={"server": network.url})
    context.set_default_timeout(15_000)
    made = context.new_page()
    made.clock.install()
    yield made
    context.close()


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    made = Desk(stack.simulator_url)
    made.reset()
    yield made
    made.reset()


def is_stream(request: Request) -> bool:
    """Say whether the widget asks for its events over HTTP."""
    return request.headers.get("accept") == "text/event-stream"


def is_refused(page: Page, network: Network, times: int) -> None:
    """Let the widget's waits pass until its socket was refused so often."""
    for _ in range(times):
        before = network.refusals
        page.clock.fast_forward(LONGEST_WAIT_MS)
        eventually(lambda before=before: network.refusals > before, seconds=15)


def is_reconnecting(end_user: EndUser) -> None:
    end_user.is_in_state("offline")
    expect(end_user.by_id("banner")).to_contain_text("Reconnecting…")
    expect(end_user.by_id("input")).to_be_visible()


def goes_on_over_http(page: Page, network: Network, end_user: EndUser, state: str) -> None:
    """Let the widget be refused until it goes another way."""
    end_user.is_in_state("offline")
    is_refused(page, network, REFUSALS_OF_A_NETWORK)
    page.clock.fast_forward(LONGEST_WAIT_MS)
    end_user.is_in_state(state)


def with_live_agent(page: Page, stack: Stack, desk: Desk) -> tuple[EndUser, str]:
    """Return an end user who is with a live agent, and the vendor's id of their chat."""
    end_user = EndUser(page, stack)
    end_user.asks_for_a_person()
    chat = desk.accept_newest()
    end_user.is_in_state("live")
    return end_user, chat


def asks_for_a_stream(page: Page, network: Network, end_user: EndUser) -> None:
    """Let the widget be refused until it asks for its events over HTTP."""
    end_user.is_in_state("offline")
    is_refused(page, network, REFUSALS_OF_A_NETWORK)
    with page.expect_request(is_stream):
        page.clock.fast_forward(LONGEST_WAIT_MS)


def is_hurried_to(page: Page, state: str) -> None:
    """Let the widget's waits pass until it says that it is in a state."""

    def is_there() -> bool:
        page.clock.fast_forward(LONGEST_WAIT_MS)
        return page.locator(f"baton-widget[data-state={state}]").count() == 1

    eventually(is_there, seconds=30)


@pytest.mark.parametrize("holds_back", [False, True])
def test_a_conversation_goes_on_where_no_websocket_is_let_through(
    page: Page, stack: Stack, network: Network, desk: Desk, holds_back: bool
) -> None:
    end_user, chat = with_live_agent(page, stack, desk)

    network.holds_back = holds_back
    network.block_websockets()
    desk.does(chat, "say", text="Are you still there?")
    end_user.write("I am, it is my network.")
    asks_for_a_stream(page, network, end_user)
    if holds_back:
        page.clock.fast_forward(STALL_MS)
    end_user.is_in_state("live")
    end_user.sees("Are you still there?")
    for number in range(3):
        end_user.write(f"end user {number}")
        desk.does(chat, "say", text=f"live agent {number}")
    end_user.sees("live agent 2")
    wanted = ["I am, it is my network.", *(f"end user {number}" for number in range(3))]
    eventually(lambda: desk.said_by_end_user(chat) == wanted, seconds=15)
    said = ["Are you still there?", *(f"live agent {number}" for number in range(3))]
    assert end_user.texts("live_agent") == said

    before = network.refusals
    with page.expect_request(is_stream):
        page.reload()
    end_user.open()
    if holds_back:
        page.clock.fast_forward(STALL_MS)
    end_user.is_in_state("live")
    end_user.sees("live agent 2")
    assert network.refusals == before
    network.let_everything_through()
    before = network.tunnels_opened
    page.evaluate("dispatchEvent(new Event('offline'))")
    page.clock.fast_forward(LONGEST_WAIT_MS)
    eventually(lambda: network.tunnels_opened > before, seconds=15)
    end_user.is_in_state("live")
    assert end_user.texts("live_agent") == said


def test_behind_a_proxy_that_buffers_a_quiet_conversation_goes_on(
    page: Page, stack: Stack, network: Network, desk: Desk
) -> None:
    end_user, chat = with_live_agent(page, stack, desk)

    network.holds_back = True
    network.block_websockets()
    end_user.write("Nobody writes to me.")
    asks_for_a_stream(page, network, end_user)
    page.clock.fast_forward(STALL_MS)

    end_user.is_in_state("live")
    eventually(lambda: desk.said_by_end_user(chat) == ["Nobody writes to me."], seconds=15)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 503])
def test_what_the_network_answers_itself_ends_no_conversation(
    page: Page, stack: Stack, network: Network, status: int
) -> None:
    end_user = EndUser(page, stack)
    end_user.sees("Hello", "ai_agent")

    network.own_answer = status
    network.block_websockets()
    is_refused(page, network, 1)
    for _ in range(REFUSALS):
        page.clock.fast_forward(LONGEST_WAIT_MS)
    is_reconnecting(end_user)

    network.let_everything_through()
    page.clock.fast_forward(LONGEST_WAIT_MS)
    end_user.is_in_state("ai")
    end_user.sees("Hello", "ai_agent")


def test_a_session_that_has_ended_is_over_though_no_socket_tells(
    page: Page, stack: Stack, network: Network, desk: Desk
) -> None:
    end_user = EndUser(page, stack)
    end_user.asks_for_a_person()
    chat = desk.accept_newest()
    end_user.is_in_state("live")

    network.block_websockets()
    desk.does(chat, "say", text="Good bye, then.")
    desk.does(chat, "end")
    end_user.is_in_state("offline")
    is_hurried_to(page, "closed")

    network.let_everything_through()
    page.reload()
    end_user.sees("Good bye, then.")
    end_user.is_in_state("closed")


@pytest.mark.parametrize("changes", [{"session": str(uuid.uuid4())}, {"token": "x.y.z"}])
def test_a_session_that_the_portal_refuses_is_over(
    page: Page, stack: Stack, network: Network, changes: dict[str, str]
) -> None:
    end_user = EndUser(page, stack)
    end_user.sees("Hello", "ai_agent")

    page.evaluate(
        """(changes) => {
            const key = Object.keys(localStorage).find((name) => name.startsWith("baton."));
            const saved = JSON.parse(localStorage.getItem(key));
            localStorage.setItem(key, JSON.stringify({ ...saved, ...changes }));
        }""",
        changes,
    )
    network.block_websockets()
    end_user.is_in_state("offline")
    network.let_everything_through()
    page.clock.fast_forward(LONGEST_WAIT_MS)
    page.clock.fast_forward(LONGEST_WAIT_MS)

    end_user.is_in_state("closed")
