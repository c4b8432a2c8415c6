"""The running product and a real browser, for the journeys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright

from tests.browser import ARGUMENTS, find_browser
from tests.documented_frames import frame_problems
from tests.journeys.stack import Stack
from tests.postgres import database_drop, database_migrated

SCREENSHOTS = Path(__file__).resolve().parent.parent.parent / "var" / "failed-journeys"
REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.fixture(scope="package")
def stack(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product on PostgreSQL, shared by the journeys; a test that kills something mends it."""
    name = "baton_journeys"
    made = Stack(
        tmp_path_factory.mktemp("stack"), database_url=database_migrated(postgres_url, name)
    )
    yield from _running(made)
    database_drop(postgres_url, name)


@pytest.fixture(scope="module")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product on its embedded default: SQLite."""
    directory = tmp_path_factory.mktemp("embedded")
    database_url = f"sqlite:///{directory / 'baton.sqlite3'}"
    yield from _running(Stack(directory, database_url=database_url))


def _running(made: Stack) -> Iterator[Stack]:
    try:
        made.start_all()
        yield made
    finally:
        made.stop_all()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all journeys; gone afterwards, for its event loop disturbs other tests."""
    with sync_playwright() as playwright:
        path = find_browser()
        assert path, "There is no Chromium: run make browser."
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What a browser complained about; a journey that provokes an error clears the list."""

    allowed_origins: list[str]
    errors: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)

    def page(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", self._socket)

    def _socket(self, socket: WebSocket) -> None:
        """Hold every frame of the portal's sockets against what it documents."""
        if "/ws?session_id=" in socket.url:
            socket.on("framereceived", self._frame)

    def _frame(self, text: str | bytes) -> None:
        self.errors += frame_problems(json.loads(text))

    def _request(self, url: str) -> None:
        own = tuple(f"{origin}/" for origin in self.allowed_origins)
        if re.match("https?:", url) and not url.startswith(own):
            self.foreign_requests.append(url)


@pytest.fixture
def watch(stack: Stack) -> Watch:
    """What the test's browser complained about so far."""
    return Watch(allowed_origins=[stack.url, stack.simulator_url])


@pytest.fixture
def context(
    browser: Browser, stack: Stack, watch: Watch, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A fresh browser profile; the test fails when a page of it logged an error."""
    made = browser.new_context(base_url=stack.url)
    made.set_default_timeout(10_000)
    made.on("page", watch.page)
    yield made
    if _has_failed(request.node):
        _take_screenshots(made, request.node.name)
    made.close()
    assert watch.errors == []
    assert watch.foreign_requests == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab in the fresh profile."""
    return context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Keep the outcome for the fixtures, and show the processes' logs with a failure."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    if report.failed:
        for name in ("stack", "embedded_stack"):
            running = getattr(item, "funcargs", {}).get(name)
            for log, text in (running.logs() if running else {}).items():
                report.sections.append((f"end of {log}.log", text))
    return report


def _has_failed(item: pytest.Item) -> bool:
    return item.stash[REPORT].failed if REPORT in item.stash else True


def _take_screenshots(context: BrowserContext, test: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(context.pages):
        path = SCREENSHOTS / f"{re.sub(r'[^A-Za-z0-9_]+', '-', test)}-{number}.png"
        page.screenshot(path=path)
        print(f"screenshot: {path}")
