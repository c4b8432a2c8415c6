"""A conversation with its widget, and a journal that is re-checked quickly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from conversations.event_loop.executor import run_sync
from tests import factories
from tests.browser import ARGUMENTS, find_browser
from tests.conversations.widget import Widget
from tests.conversations.widget_lab import Lab
from tests.members import admin, project

__all__ = ("admin", "project")  # fixtures of the folder


@pytest.fixture
async def widget() -> AsyncIterator[Widget]:
    made = await run_sync(lambda: Widget(factories.conversation()))
    yield made
    await made.close()


@pytest.fixture
def quick(settings: Any) -> None:
    """Re-check the journal often enough for a test."""
    settings.JOURNAL_RECHECK_SECONDS = 0.2


# Of a module: while it is open its loop runs in this thread, where other modules start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def lab(browser: Browser) -> Iterator[Lab]:
    made = Lab(browser)
    made.echoes()
    yield made
    made.context.close()
