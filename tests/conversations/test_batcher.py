"""What arrives together is worked on together: each once, those of a key in order."""

from __future__ import annotations

import asyncio
import threading

import pytest

from conversations.event_loop.batcher import BATCH, Batcher
from tests.waiting import eventually_async


class Desk:
    """Works on a list when it is let; items are (key, number)."""

    def __init__(self):
        self.lists = []
        self.let = asyncio.Semaphore(0)
        self.fails_with = None
        self.together = Batcher(self.work, key=lambda item: item[0])

    async def work(self, items):
        self.lists.append(list(items))
        await self.let.acquire()
        if self.fails_with is not None:
            raise self.fails_with
        return [f"{key}{number}" for key, number in items]

    async def asked(self, *items):
        """Ask in this order and return the tasks that wait."""
        tasks = [asyncio.create_task(self.together(item)) for item in items]
        await asyncio.sleep(0)
        return tasks

    async def busy(self, *items):
        tasks = await self.asked(*items)
        await eventually_async(lambda: self.lists)
        return tasks

    def finish(self, lists=1):
        for _ in range(lists):
            self.let.release()


async def test_an_item_that_comes_alone_goes_at_once():
    desk = Desk()

    [alone] = await desk.busy(("a", 1))
    desk.finish()

    assert await alone == "a1"
    assert desk.lists == [[("a", 1)]]


async def test_what_comes_while_a_list_is_worked_on_goes_together_in_the_next():
    desk = Desk()
    first = await desk.busy(("a", 1))

    rest = await desk.asked(("b", 1), ("c", 1), ("d", 1))
    desk.finish(2)

    assert await asyncio.gather(*first, *rest) == ["a1", "b1", "c1", "d1"]
    assert desk.lists == [[("a", 1)], [("b", 1), ("c", 1), ("d", 1)]]


async def test_items_of_one_key_are_worked_on_one_after_the_other_in_order():
    desk = Desk()
    first = await desk.busy(("a", 1))

    rest = await desk.asked(("a", 2), ("b", 1), ("a", 3), ("b", 2))
    desk.finish(3)

    assert await asyncio.gather(*first, *rest) == ["a1", "a2", "b1", "a3", "b2"]
    assert desk.lists == [[("a", 1)], [("a", 2), ("b", 1)], [("a", 3), ("b", 2)]]


async def test_a_list_has_an_end_and_order_holds_beyond_it():
    desk = Desk()
    first = await desk.busy(("a", 1))
    many = [(str(number), 1) for number in range(BATCH)]

    rest = await desk.asked(*many, ("x", 1), ("x", 2), ("y", 1))
    desk.finish(4)
    await asyncio.gather(*first, *rest)

    assert desk.lists[1:] == [many, [("x", 1), ("y", 1)], [("x", 2)]]


async def test_a_failure_is_raised_to_everybody_in_the_list_and_to_nobody_else():
    desk = Desk()
    first = await desk.busy(("a", 1))
    second = await desk.asked(("b", 1), ("c", 1))
    desk.finish()
    await asyncio.gather(*first)

    desk.fails_with = ConnectionError("away")
    await eventually_async(lambda: len(desk.lists) == 2)
    desk.finish()
    failures = await asyncio.gather(*second, return_exceptions=True)
    desk.fails_with = None
    third = await desk.asked(("b", 2))
    desk.finish()

    assert [type(failure) for failure in failures] == [ConnectionError, ConnectionError]
    assert await asyncio.gather(*third) == ["b2"]


async def test_who_gave_up_while_waiting_is_left_out():
    desk = Desk()
    first = await desk.busy(("a", 1))
    gone, stays = await desk.asked(("b", 1), ("b", 2))

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    desk.finish(2)

    assert await asyncio.gather(*first, stays) == ["a1", "b2"]
    assert desk.lists == [[("a", 1)], [("b", 2)]]


async def test_when_everybody_gave_up_the_next_one_goes_at_once():
    desk = Desk()
    first = await desk.busy(("a", 1))
    [gone] = await desk.asked(("b", 1))
    gone.cancel()
    desk.finish()
    await asyncio.gather(*first)

    later = await desk.asked(("c", 1))
    desk.finish()

    assert await asyncio.gather(*later) == ["c1"]
    assert desk.lists == [[("a", 1)], [("c", 1)]]


async def test_giving_up_during_the_work_stops_nobody_elses():
    desk = Desk()
    first = await desk.busy(("a", 1))
    gone, stays = await desk.asked(("b", 1), ("c", 1))
    desk.finish()
    await asyncio.gather(*first)
    await eventually_async(lambda: len(desk.lists) == 2)

    gone.cancel()
    desk.finish()

    assert await stays == "c1"
    assert gone.cancelled()


async def test_work_that_is_cancelled_leaves_nobody_waiting():
    desk = Desk()
    first = await desk.busy(("a", 1))
    [second] = await desk.asked(("b", 1))
    [work] = [task for task in asyncio.all_tasks() if task.get_coro().__qualname__ == "Desk.work"]

    work.cancel()
    desk.finish()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(first[0], 5)
    assert await second == "b1"


async def test_lists_of_different_loops_are_never_mixed():
    seen, held, free = [], threading.Event(), threading.Event()

    async def work(items):
        seen.append((threading.get_ident(), list(items)))
        if items == ["here"]:
            held.set()
            await asyncio.to_thread(free.wait, 10)
        return items

    together = Batcher(work, key=lambda item: item)
    here = asyncio.create_task(together("here"))
    await asyncio.to_thread(held.wait, 10)

    there = await asyncio.to_thread(lambda: asyncio.run(together("there")))
    free.set()

    assert (await here, there) == ("here", "there")
    assert [items for _, items in seen] == [["here"], ["there"]]
    assert len({thread for thread, _ in seen}) == 2
