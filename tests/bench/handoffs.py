"""How many open handoffs one relay worker holds, at what price, and how soon it has them back."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import aiohttp

from tests.bench.clients import Trip, Widget, connect_baton, widgets
from tests.bench.process import cpu_seconds, settled_bytes
from tests.bench.relay import open_all, steady
from tests.bench.relay_load import Attaching, RelayLoad
from tests.bench.rig import Rig
from tests.bench.table import percentile, progress, table
from tests.bench.takeover import takeover

FEW = 50
NUMBERS = (FEW, 100, 1000, 3000)
TAKEOVER_AT = 1500
TALKING = 10
EVENTS_EVERY = 10.0


@dataclass(slots=True, kw_only=True)
class Held:
    """What was measured while a relay worker held so many handoffs."""

    number: int
    opened: float
    attaching: Attaching
    memory: int
    memory_used: int
    floor_memory: int
    cpu: float
    cpu_events: int
    cpu_seconds: float
    quiet: list[Trip] = field(repr=False)
    busy: list[Trip] = field(repr=False)


async def open_handoffs(
    rig: Rig, http: aiohttp.ClientSession, *, seconds: float, most: int = 0
) -> None:
    """Fill one relay worker step by step; the other one is stopped, but for the takeover."""
    await asyncio.to_thread(rig.stack.kill, "relay2", signal.SIGTERM)
    load = RelayLoad(rig, http)
    found: list[Held] = []
    async with widgets(await open_all(lambda: connect_baton(http, rig.demo), TALKING)) as people:
        for number in sorted({*NUMBERS, most} - {0}):
            if found and found[-1].number < TAKEOVER_AT <= number:
                await takeover(load, TAKEOVER_AT)
            found.append(await _hold(load, people, number, seconds))
            progress(f"{number:,} held")
    await asyncio.to_thread(rig.stack.start, "relay2")
    _print(found)


async def _hold(load: RelayLoad, people: list[Widget], number: int, seconds: float) -> Held:
    opened = await load.fill_to(number)
    attaching = await load.restart("relay1")
    pid = load.rig.stack.pid("relay1")
    memory = await settled_bytes(pid)
    quiet = await steady(people, seconds)
    used, started = cpu_seconds(pid), time.monotonic()
    events = await load.speak(every=EVENTS_EVERY, seconds=seconds)
    await asyncio.sleep(1)
    used, lasted = cpu_seconds(pid) - used, time.monotonic() - started
    speaking = asyncio.create_task(load.speak(every=EVENTS_EVERY, seconds=seconds))
    busy = await steady(people, seconds)
    await speaking
    return Held(
        number=number,
        opened=opened,
        attaching=attaching,
        memory=memory,
        memory_used=await settled_bytes(pid),
        floor_memory=await asyncio.to_thread(_floor, load.rig, number),
        cpu=used,
        cpu_events=events,
        cpu_seconds=lasted,
        quiet=quiet,
        busy=busy,
    )


def _floor(rig: Rig, number: int) -> int:
    """Let a bare HTTP client hold as many streams; return its memory."""
    command = [sys.executable, "-m", "tests.bench.streams", rig.vendor_url, str(number)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _print(found: list[Held]) -> None:
    few = found[0]
    table(
        "Open handoffs on one relay worker: memory in kB for each, and time to attach",
        [MEMORY_HEAD, *(_memory_row(held, few) for held in found)],
    )
    print(MEMORY_NOTE)
    table(
        f"Open handoffs on one relay worker: an event every {EVENTS_EVERY:.0f} s each",
        [CPU_HEAD, *(_cpu_row(held) for held in found)],
    )
    table(
        f"Round trips of {TALKING} people, 50 per s, beside open handoffs, in ms",
        [TRIP_HEAD, *(_trip_row(held, few) for held in found)],
    )


MEMORY_HEAD = ["open handoffs", "bare client", "Baton", "beyond it", "after events", "beyond it"]
MEMORY_HEAD += ["opened in s", "restart: first s", "all s"]
MEMORY_NOTE = f"""\
  Resident memory once it has stopped to grow, less that with {FEW}, for each one more: of a fresh
  worker that has attached to all, and after events and round trips; of a fresh aiohttp client that
  holds as many streams and reads. Restart: seconds from the start of the process."""
CPU_HEAD = ["open handoffs", "events per s", "CPU of the relay worker", "ms for each event"]
TRIP_HEAD = ["open handoffs", "quiet p50", "p99", "ratio to 50: p50", "p99"]
TRIP_HEAD += ["with events p50", "p99", "ratio to 50: p50", "p99"]


def _memory_row(held: Held, few: Held) -> list[str]:
    more = held.number - few.number
    if not more:
        sizes = [""] * 5
    else:
        floor = (held.floor_memory - few.floor_memory) / more
        fresh, used = (held.memory - few.memory) / more, (held.memory_used - few.memory_used) / more
        sizes = [f"{x / 1000:.0f}" for x in (floor, fresh, fresh - floor, used, used - floor)]
    times = (held.opened, held.attaching.first, held.attaching.all)
    return [f"{held.number:,}", *sizes, *(f"{seconds:.1f}" for seconds in times)]


def _cpu_row(held: Held) -> list[str]:
    each = f"{held.cpu / held.cpu_events * 1000:.1f}"
    rate = f"{held.cpu_events / held.cpu_seconds:.0f}"
    return [f"{held.number:,}", rate, f"{held.cpu / held.cpu_seconds:.0%} of a core", each]


def _trip_row(held: Held, few: Held) -> list[str]:
    cells = [f"{held.number:,}"]
    for trips, before in ((held.quiet, few.quiet), (held.busy, few.busy)):
        ours, theirs = ([trip.both for trip in some] for some in (trips, before))
        cells += [f"{percentile(ours, share):.2f}" for share in (0.5, 0.99)]
        ratios = [percentile(ours, s) / percentile(theirs, s) for s in (0.5, 0.99)]
        cells += [f"{ratio:.2f}x" for ratio in ratios]
    return cells
