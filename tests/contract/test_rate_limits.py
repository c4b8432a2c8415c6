"""A vendor that asks to slow down is heard by all workers that call it for the same account."""

from __future__ import annotations

import time

import pytest

from integrations.contract.errors import RateLimitedError
from integrations.contract.events import LiveAgentJoined
from tests.contract.bench import Bench, outbound, until_seen

ASKED_SECONDS = 20


class MemoryPauses:
    """What Redis keeps for all workers."""

    def __init__(self) -> None:
        self.until: dict[str, float] = {}

    async def seconds_left(self, name: str) -> float:
        return max(0.0, self.until.get(name, 0.0) - time.monotonic())

    async def hold(self, name: str, seconds: float) -> None:
        self.until[name] = max(self.until.get(name, 0.0), time.monotonic() + seconds)


async def test_a_pause_that_one_worker_was_asked_for_holds_the_others_without_a_call(
    bench: Bench,
) -> None:
    bench.pauses = pauses = MemoryPauses()
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()  # its own requests must not use up the fault
    message = outbound("Not too quick")
    await bench.fault("fail_next", status=429, count=1, path_prefix="", retry_after=ASKED_SECONDS)

    with pytest.raises(RateLimitedError):
        await bench.connector().send_message(session, message)
    called = len(bench.records)
    with pytest.raises(RateLimitedError) as held:
        await bench.connector().send_message(session, message)
    calls_meanwhile = [record.operation for record in bench.records[called:]]
    pauses.until.clear()
    await bench.connector().send_message(session, message)

    assert calls_meanwhile == []
    assert 10 < (held.value.retry_after or 0) <= ASKED_SECONDS
    await until_seen(bench, session, lambda row: "Not too quick" in str(row["messages"]))
    assert (await bench.said_by(session, "end_user")).count("Not too quick") == 1
