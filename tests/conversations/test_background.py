"""Work on a loop of another thread: nobody waits for it, and nothing that breaks it is lost."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError

from conversations.event_loop.background import BackgroundLoop
from tests.waiting import eventually


async def closing() -> None:
    """Have nothing to let go of."""


async def broken(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


def test_what_breaks_work_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture):
    BackgroundLoop("test", closing=closing).begin(broken(KeyError("slot")))

    eventually(lambda: caplog.records)

    [record] = caplog.records
    assert (record.levelname, record.exc_info and record.exc_info[0]) == ("ERROR", KeyError)


def test_an_outage_of_the_database_is_one_line_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
):
    BackgroundLoop("test", closing=closing).begin(broken(OperationalError("host=db password=x")))

    eventually(lambda: caplog.records)

    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "password" not in caplog.text
