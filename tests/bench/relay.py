"""Latency of the relay at a steady rate, beside the floor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp

from tests.bench.clients import Trip, Widget, connect_baton, connect_floor, widgets
from tests.bench.rig import Rig
from tests.bench.table import percentile, progress, table

RATE = 50.0  # round trips per second over all conversations
WARM_UP = 30
SHARES = (0.5, 0.95, 0.99)

Connect = Callable[[], Awaitable[Widget]]


async def latency(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure round trips at a steady rate over one, fifty and five hundred conversations."""
    head = ["open handoffs", "", "to vendor p50", "p95", "p99", "to widget p50", "p95", "p99"]
    rows = [[*head, "both p50", "p95", "p99"]]
    for number in (1, 50, 500):
        found = {
            "floor": await _steady(lambda: connect_floor(http, rig.floor_url), number, seconds),
            "Baton": await _steady(lambda: connect_baton(http, rig.demo), number, seconds),
        }
        for name, trips in found.items():
            rows.append([str(number), name, *_cells(trips)])
        ratio = [_ratio(found["Baton"], found["floor"], share) for share in SHARES]
        rows.append([str(number), "ratio", *[""] * 6, *ratio])
        progress(f"latency of {number}: {ratio[0]} the floor at the median, {ratio[-1]} at p99")
    table(f"Relay latency in ms at {RATE:.0f} round trips per second", rows)


async def open_all(connect: Connect, number: int) -> list[Widget]:
    """Connect widgets, twenty at a time."""
    found: list[Widget] = []
    for start in range(0, number, 20):
        batch = range(start, min(start + 20, number))
        found += await asyncio.gather(*(connect() for _ in batch))
    return found


async def steady(people: list[Widget], seconds: float) -> list[Trip]:
    """Make round trips at RATE for a time, whose turn it is talks; the first ones do not count."""
    for index in range(WARM_UP):
        await people[index % len(people)].trip()
    tasks = []
    started = time.monotonic()
    for index in range(int(RATE * seconds)):
        await asyncio.sleep(max(0.0, started + index / RATE - time.monotonic()))
        tasks.append(asyncio.create_task(people[index % len(people)].trip()))
    return list(await asyncio.gather(*tasks))


async def _steady(connect: Connect, number: int, seconds: float) -> list[Trip]:
    async with widgets(await open_all(connect, number)) as people:
        return await steady(people, seconds)


def _cells(trips: list[Trip]) -> list[str]:
    ways = ([t.out for t in trips], [t.back for t in trips], [t.both for t in trips])
    return [f"{percentile(way, share):.2f}" for way in ways for share in SHARES]


def _ratio(trips: list[Trip], floor: list[Trip], share: float) -> str:
    ours = percentile([trip.both for trip in trips], share)
    return f"{ours / percentile([trip.both for trip in floor], share):.2f}x"
