"""Round trips per second when everybody answers at once, and where their time goes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp

from tests.bench.clients import Trip, Widget, connect_baton, connect_floor, widgets
from tests.bench.costs import Costs, costs
from tests.bench.relay import Connect, open_all
from tests.bench.rig import Rig
from tests.bench.statements import statements
from tests.bench.table import percentile, progress, table

NUMBERS = (8, 32, 64, 128)
WARM_UP_SECONDS = 1.0
HEAD = ["conversations", "floor per s", "Baton per s", "Baton p50 ms", "p99 ms", "share"]
PARTS = ("web", "relay", "PostgreSQL", "Redis", "vendor", "generator", "worker, beat")
INSIDE_HEAD = ["conversations", "web and relay ms", "the floor's ms", "more than the floor"]
INSIDE_HEAD += ["busiest thread: web", "relay"]
DATABASE_HEAD = ["conversations", "transactions", "rows written", "ms in statements"]
DATABASE_HEAD += ["to vendor: ms", "of it the call", "from vendor: ms"]
INSIDE_NOTE = """\
  The floor does the same journey with the same libraries in one process: sockets, the vendor's HTTP
  call and stream, Redis. What web and relay use beyond it is Django, Channels, Baton and the client
  side of the database. Busiest thread: its share of a core; near 100 % it is the bound."""
DATABASE_NOTE = """\
  Transactions, rows and time in statements are PostgreSQL's own counters (pg_stat_database) for one
  round trip, which is two messages; one that serves several conversations counts once. To vendor:
  mean from journaled to taken by the vendor. From vendor: from event received to published. Both
  are the product's metrics, read from the workers."""


@dataclass(slots=True, kw_only=True)
class Flat:
    """What came of a run flat out."""

    number: int
    rate: float
    costs: Costs
    trips: list[Trip] = field(repr=False)

    def cpu_ms(self, *names: str) -> float:
        """Return the processor time of some processes for each round trip."""
        return 1000 * sum(self.costs.cpu[name] for name in names) / len(self.trips)


async def throughput(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure closed loops of round trips, and what each costs, part by part."""
    pairs = []
    for number in NUMBERS:
        floor = await _flat_out(rig, lambda: connect_floor(http, rig.floor_url), number, seconds)
        baton = await _flat_out(rig, lambda: connect_baton(http, rig.demo), number, seconds)
        pairs.append((floor, baton))
        progress(f"{number} flat out: {baton.rate:.0f} round trips per second")
    table("Throughput, closed loop, every message committed", [HEAD, *map(_rate_row, pairs)])
    table(
        "Processor time of a round trip in ms, by process",
        [["conversations", *PARTS, "all", "cores used"], *(_cpu_row(baton) for _, baton in pairs)],
    )
    table("Web and relay inside, for a round trip", [INSIDE_HEAD, *map(_inside_row, pairs)])
    print(INSIDE_NOTE)
    table(
        "Database and vendor, for a round trip",
        [DATABASE_HEAD, *(_database_row(baton) for _, baton in pairs)],
    )
    print(DATABASE_NOTE)
    async with widgets([await connect_baton(http, rig.demo)]) as people:
        await statements(rig, people[0])


async def _flat_out(rig: Rig, connect: Connect, number: int, seconds: float) -> Flat:
    trips: list[Trip] = []

    async def talk(widget: Widget, until: float) -> None:
        while time.monotonic() < until:
            trips.append(await widget.trip())

    async with widgets(await open_all(connect, number)) as people:
        warm = time.monotonic() + WARM_UP_SECONDS
        await asyncio.gather(*(talk(person, warm) for person in people))
        trips.clear()
        before = costs(rig)
        until = time.monotonic() + seconds
        await asyncio.gather(*(talk(person, until) for person in people))
        spent = costs(rig).since(before)
        return Flat(number=number, rate=len(trips) / spent.seconds, costs=spent, trips=trips)


def _rate_row(pair: tuple[Flat, Flat]) -> list[str]:
    floor, baton = pair
    both = [trip.both for trip in baton.trips]
    latency = [f"{percentile(both, share):.2f}" for share in (0.5, 0.99)]
    rates = [f"{floor.rate:.0f}", f"{baton.rate:.0f}"]
    return [str(baton.number), *rates, *latency, f"{baton.rate / floor.rate:.0%}"]


def _cpu_row(baton: Flat) -> list[str]:
    members = {"relay": ("relay1", "relay2"), "worker, beat": ("worker", "beat")}
    parts = [baton.cpu_ms(*members.get(part, (part,))) for part in PARTS]
    cores = sum(baton.costs.cpu.values()) / baton.costs.seconds
    return [str(baton.number), *(f"{ms:.2f}" for ms in (*parts, sum(parts))), f"{cores:.2f}"]


def _inside_row(pair: tuple[Flat, Flat]) -> list[str]:
    floor, baton = pair
    bare, ours = floor.cpu_ms("floor"), baton.cpu_ms("web", "relay1", "relay2")
    busiest = (
        baton.costs.busiest("web"),
        max(baton.costs.busiest("relay1"), baton.costs.busiest("relay2")),
    )
    times = [f"{ms:.2f}" for ms in (ours, bare, ours - bare)]
    return [str(baton.number), *times, *(f"{share:.0%}" for share in busiest)]


def _database_row(baton: Flat) -> list[str]:
    spent, trips = baton.costs, len(baton.trips)
    counts = (spent.transactions, spent.rows_written, spent.statement_ms)
    waits = ("baton_delivery_age_seconds", "baton_vendor_call_seconds", "baton_relay_lag_seconds")
    cells = [f"{count / trips:.2f}" for count in counts]
    return [str(baton.number), *cells, *(f"{spent.mean_ms(name):.2f}" for name in waits)]
