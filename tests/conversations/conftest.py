"""A conversation with its widget, and a journal that is re-checked quickly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from tests import factories
from tests.conversations.widget import Widget


@pytest.fixture
async def widget() -> AsyncIterator[Widget]:
    made = await run_sync(lambda: Widget(factories.conversation()))
    yield made
    await made.close()


@pytest.fixture
def quick(settings: Any) -> None:
    """Re-check the journal often enough for a test."""
    settings.JOURNAL_RECHECK_SECONDS = 0.2
