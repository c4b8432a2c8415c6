"""How many open handoffs one relay worker holds, at what price, and how soon it has them back."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time

import aiohttp

from tests.bench.clients import connect_baton, paced_trips, widgets
from tests.bench.process import cpu_seconds, resident_bytes
from tests.bench.rig import Rig
from tests.bench.table import percentile, table

NUMBERS = (100, 1000, 3000)
EVENTS_EVERY = 10.0
ATTACH_SECONDS = 120.0
TRIPS = 150


async def open_handoffs(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Fill one relay worker step by step; the other one is stopped meanwhile."""
    head = ["open handoffs", "floor kB each", "Baton kB each", "attached in s", "back after kill s"]
    rows = [[*head, "CPU at 1 event/10 s", "trip p50 ms", "p99 ms"]]
    await asyncio.to_thread(rig.stack.kill, "relay2", signal.SIGTERM)
    before = resident_bytes(rig.stack.pid("relay1"))
    held = await _streams(http, rig)
    for number in NUMBERS:
        started = time.monotonic()
        await asyncio.to_thread(_populate, rig, number - held)
        await _attached(http, rig, number)
        attached = time.monotonic() - started
        held = number
        size = (resident_bytes(rig.stack.pid("relay1")) - before) / number
        cpu = await _cpu(http, rig, number)
        trips = await _trips(http, rig)
        back = await _back_after_kill(http, rig, number)
        floor = await asyncio.to_thread(_floor, rig, number)
        cells = [f"{floor / 1000:.0f}", f"{size / 1000:.0f}", f"{attached:.1f}", f"{back:.1f}"]
        ways = [f"{percentile(trips, 0.5):.2f}", f"{percentile(trips, 0.99):.2f}"]
        rows.append([str(number), *cells, f"{cpu:.0%} of a core", *ways])
        before = resident_bytes(rig.stack.pid("relay1")) - int(size * number)
    await asyncio.to_thread(rig.stack.start, "relay2")
    table("Open handoffs on one relay worker", rows)


def _populate(rig: Rig, number: int) -> None:
    rig.stack.run_module("tests.bench.populate", "handoffs", str(number))


def _floor(rig: Rig, number: int) -> int:
    command = [sys.executable, "-m", "tests.bench.streams", rig.vendor_url, str(number)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


async def _streams(http: aiohttp.ClientSession, rig: Rig) -> int:
    async with http.get(f"{rig.vendor_url}/count") as answer:
        return int((await answer.json())["streams"])


async def _attached(http: aiohttp.ClientSession, rig: Rig, number: int) -> None:
    async with asyncio.timeout(ATTACH_SECONDS):
        while await _streams(http, rig) < number:
            await asyncio.sleep(0.1)


async def _cpu(http: aiohttp.ClientSession, rig: Rig, number: int) -> float:
    pid = rig.stack.pid("relay1")
    used, started = cpu_seconds(pid), time.monotonic()
    body = {"seconds": EVENTS_EVERY}
    async with http.post(f"{rig.vendor_url}/say_all", json=body) as answer:
        await answer.read()
    return (cpu_seconds(pid) - used) / (time.monotonic() - started)


async def _trips(http: aiohttp.ClientSession, rig: Rig) -> list[float]:
    async with widgets([await connect_baton(http, rig.demo)]) as people:
        return await paced_trips(people[0], TRIPS)


async def _back_after_kill(http: aiohttp.ClientSession, rig: Rig, number: int) -> float:
    await asyncio.to_thread(rig.stack.kill, "relay1", signal.SIGKILL)
    await asyncio.to_thread(rig.stack.start, "relay1")
    started = time.monotonic()
    await _attached(http, rig, number)
    return time.monotonic() - started
