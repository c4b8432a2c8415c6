"""Pauses grow, end, and are shared by whoever uses one connection."""

import asyncio
import time

import pytest

from integrations.contract.errors import CannotConnectError, RateLimitedError
from integrations.kit.waiting import (
    RateBudget,
    RateTiming,
    Reconnecting,
    ReconnectTiming,
    growing_pause,
)

LOST = CannotConnectError("events: lost")


async def is_at_once(reconnecting: Reconnecting) -> bool:
    """Say whether a pause is none: it is over within a few turns of the loop, by no clock."""
    pause = asyncio.create_task(reconnecting.pause(LOST))
    for _ in range(5):
        await asyncio.sleep(0)
    return pause.done()


def test_a_pause_doubles_up_to_the_longest_and_keeps_half_of_it_at_least():
    for failures, grown in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (10_000, 5.0)]:
        pause = growing_pause(failures, first=1.0, longest=5.0)

        assert grown / 2 <= pause <= grown


async def test_the_first_reconnect_is_made_at_once_and_the_next_ones_wait():
    reconnecting = Reconnecting(ReconnectTiming(first=0.1, longest=0.2, give_up=30))

    assert await is_at_once(reconnecting)
    begun = time.monotonic()
    await reconnecting.pause(LOST)

    assert time.monotonic() - begun >= 0.05


async def test_the_vendors_own_wish_is_waited_for():
    reconnecting = Reconnecting(ReconnectTiming(first=0.01, longest=0.02, give_up=30))
    begun = time.monotonic()

    await reconnecting.pause(RateLimitedError("events: slow down", retry_after=0.1))

    assert time.monotonic() - begun >= 0.1


async def test_what_lasts_too_long_is_given_up():
    reconnecting = Reconnecting(ReconnectTiming(first=0.01, longest=0.02, give_up=0.05))

    with pytest.raises(CannotConnectError):
        for _ in range(100):
            await reconnecting.pause(LOST)


async def test_a_connection_that_held_begins_a_new_trouble():
    reconnecting = Reconnecting(ReconnectTiming(first=10, longest=0.01, give_up=0.05))
    await reconnecting.pause(LOST)
    reconnecting.connected()
    await asyncio.sleep(0.06)

    assert await is_at_once(reconnecting)


async def test_a_short_pause_is_waited_out_and_a_long_one_refused():
    budget = RateBudget(RateTiming(in_place=0.2))
    budget.refused(0.05)
    begun = time.monotonic()

    await budget.admit("send")
    assert time.monotonic() - begun >= 0.05

    budget.refused(30.0)
    with pytest.raises(RateLimitedError) as raised:
        await budget.admit("send")
    assert 29 < raised.value.retry_after <= 30


def test_a_burst_of_refusals_counts_once_and_success_forgets_them():
    budget = RateBudget(RateTiming(first=0.2, longest=60))

    waits = [budget.refused(None) for _ in range(50)]

    assert max(waits) <= 0.2
    time.sleep(0.2)
    budget.accepted()
    assert budget.refused(None) <= 0.2


def test_kinds_that_the_vendor_counts_apart_are_held_apart():
    budget = RateBudget(RateTiming())

    budget.refused(30.0, "send")

    assert budget.is_held_back("send") and not budget.is_held_back("start")


class Store:
    """Keeps pauses for two budgets, and counts how often it is asked."""

    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        self.asked = 0

    async def seconds_left(self, name: str) -> float:
        self.asked += 1
        return self.until.get(name, 0.0) - time.monotonic()

    async def hold(self, name: str, seconds: float) -> None:
        self.until[name] = max(self.until.get(name, 0.0), time.monotonic() + seconds)


async def refuse(budget: RateBudget, seconds: float, kind: str = "") -> None:
    with pytest.raises(RateLimitedError):
        async with budget.call("send", kind):
            raise RateLimitedError("send: 429", retry_after=seconds)


async def test_a_pause_that_one_worker_notes_holds_the_others_of_the_account():
    store = Store()
    one, other = (RateBudget(RateTiming(), account="a", store=store) for _ in range(2))
    stranger = RateBudget(RateTiming(), account="b", store=store)

    await refuse(one, 30.0, "send")

    with pytest.raises(RateLimitedError) as raised:
        await other.admit("send", "send")
    assert 29 < raised.value.retry_after <= 30
    await other.admit("start", "start")
    await stranger.admit("send", "send")


async def test_a_short_pause_of_another_worker_is_waited_out():
    store = Store()
    one, other = (RateBudget(RateTiming(), account="a", store=store) for _ in range(2))
    await refuse(one, 0.1)
    begun = time.monotonic()

    async with other.call("send"):
        assert time.monotonic() - begun >= 0.09


async def test_the_store_is_not_asked_for_every_call():
    store = Store()
    budget = RateBudget(RateTiming(), account="a", store=store)

    for _ in range(50):
        async with budget.call("send"):
            pass

    assert store.asked == 1


async def test_a_call_that_fails_for_another_reason_forgets_no_refusal():
    budget = RateBudget(RateTiming(first=0.001, longest=60))
    for _ in range(8):
        budget.refused(None)
        await asyncio.sleep(0.2)

    with pytest.raises(CannotConnectError):
        async with budget.call("send"):
            raise LOST

    assert budget.refused(None) > 0.1


async def test_a_refusal_that_slower_calls_would_meet_as_well_holds_nobody_back():
    budget = RateBudget(RateTiming(), other_limits=("too_many_chats",))

    with pytest.raises(RateLimitedError):
        async with budget.call("start"):
            raise RateLimitedError("start: refused", vendor_code="too_many_chats", retry_after=30)

    assert not budget.is_held_back()
