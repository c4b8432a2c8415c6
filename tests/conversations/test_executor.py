"""The threads for the database are shared out among those on whose account they work."""

from __future__ import annotations

import asyncio
import threading

from conversations.event_loop.executor import ACCOUNT_THREADS, run_sync, work_account


async def work_of(account: str, release: threading.Event, begun: list[str]) -> None:
    """Do work on an account that goes on until it is released."""
    work_account.set(account)

    def work() -> None:
        begun.append(account)
        assert release.wait(10)

    await run_sync(work)


async def test_a_crowd_on_one_account_waits_in_no_thread_and_others_go_on():
    release, begun = threading.Event(), list[str]()
    crowd = [asyncio.create_task(work_of("crowd", release, begun)) for _ in range(50)]
    try:
        async with asyncio.timeout(10):
            while len(begun) < ACCOUNT_THREADS:
                await asyncio.sleep(0.01)
            quiet = asyncio.create_task(work_of("quiet", release, begun))
            while "quiet" not in begun:
                await asyncio.sleep(0.01)

        assert begun == ["crowd"] * ACCOUNT_THREADS + ["quiet"]
    finally:
        release.set()
    await asyncio.gather(*crowd, quiet)
    assert begun.count("crowd") == 50


async def test_who_is_cancelled_while_waiting_takes_no_share_along():
    release, begun = threading.Event(), list[str]()
    crowd = [asyncio.create_task(work_of("crowd", release, begun)) for _ in range(9)]
    await asyncio.sleep(0)
    for waiting in crowd[ACCOUNT_THREADS:]:
        waiting.cancel()
    release.set()
    await asyncio.gather(*crowd, return_exceptions=True)

    release, begun = threading.Event(), list[str]()
    release.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*(work_of("crowd", release, begun) for _ in range(9)))
    assert len(begun) == 9
