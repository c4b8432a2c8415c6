"""A start that is given up leaves nothing open at the vendor, wherever it got stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from handoffs.relay.ending import end_all
from handoffs.relay.session import START_ATTEMPTS
from integrations.contract.connector import EndReason, HandoffRequest, TranscriptLine
from integrations.contract.errors import ConnectorError
from tests.contract.bench import Bench, handoff_request
from tests.contract.test_crossing_ends import is_nothing_open

ENDLESS = 100_000
# It ends a chat whose customer never connected, which none of its queues has seen.
CONNECT_WITHIN_SECONDS = 300


def long_request() -> HandoffRequest:
    """Make a request whose transcript takes several messages where a vendor bounds their length."""
    line = TranscriptLine(speaker="end_user", text="word " * 600, sent_at=datetime.now(UTC))
    return handoff_request(transcript=[line] * 10)


def everywhere(calls: int) -> list[int]:
    """Name every call of a start."""
    return list(range(calls))


def at_its_ends(calls: int) -> list[int]:
    """Name the first call, the last one, and one between."""
    return sorted({0, calls // 2, calls - 1})


async def calls_of_a_start(bench: Bench) -> int:
    """Return how many calls a start makes where the tokens it needs are there."""
    connector, made = bench.connector(), 0
    for _ in range(2):
        before = len(await bench.desk("GET", "/requests"))
        session = await connector.start(long_request())
        made = len(await bench.desk("GET", "/requests")) - before
        await end_all(connector, session, EndReason.FAILED)
    return made


async def given_up(bench: Bench, request: HandoffRequest) -> ConnectorError:
    """Start as often as the relay does; return the last error."""
    connector = bench.connector()
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            await connector.start(request)
        except ConnectorError as error:
            if not error.retryable or attempt == START_ATTEMPTS:
                return error
    raise AssertionError("it has started")


@pytest.mark.parametrize("places", [at_its_ends, pytest.param(everywhere, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "failure",
    [
        {"status": 503},
        {"status": 504, "after_accept": True},
        {"status": 403},
    ],
    ids=["busy", "answers lost", "refused"],
)
async def test_a_start_that_is_given_up_leaves_nothing_open(
    bench: Bench, failure: dict[str, int], places: Callable[[int], list[int]]
):
    for passed in places(await calls_of_a_start(bench)):
        request = long_request()
        await bench.fault("fail_next", count=ENDLESS, skip=passed, path_prefix="/", **failure)
        error = await given_up(bench, request)
        await bench.fault("clear")

        # Another worker may end it.
        connector = bench.connector()
        unfinished = connector.unfinished(request, error)
        if unfinished is not None:
            await end_all(connector, unfinished, EndReason.FAILED)
            await end_all(connector, unfinished, EndReason.FAILED)
        if bench.key == "amazon_connect":
            await bench.fault("skip_clock", seconds=CONNECT_WITHIN_SECONDS + 1)

        assert await is_nothing_open(bench), f"after {passed} calls"
