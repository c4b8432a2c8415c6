"""The cost of a message with few and with very many stored conversations."""

from __future__ import annotations

import asyncio

import aiohttp
import psycopg

from tests.bench.clients import connect_baton, paced_trips, widgets
from tests.bench.rig import Rig
from tests.bench.table import percentile, progress, table

NUMBERS = (10, 1000, 100_000)
TRIPS = 200
OTHERS = {
    "journal after a cursor": "SELECT * FROM conversations_event WHERE conversation_id = 'CONV-x' "
    "AND sequence > 5 ORDER BY sequence LIMIT 500",
    "pending deliveries": "SELECT id FROM handoffs_delivery WHERE handoff_id = 'x' "
    "AND status = 'pending' ORDER BY sequence",
    "ends of journals": "SELECT id, last_sequence FROM conversations_conversation "
    "WHERE id IN ('CONV-x', 'CONV-y')",
    "orphaned handoffs": "SELECT id FROM handoffs_handoff WHERE owner_id IS NULL AND "
    "(state IN ('requested', 'connecting', 'queued', 'active') OR vendor_end_until IS NOT NULL)",
}


async def growth(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure trips as the database fills, then show the plans of the hot statements."""
    rows = [["stored conversations", "trip p50 ms", "p99 ms"]]
    stored = 0
    for number in NUMBERS:
        wanted = str(number - stored)
        await asyncio.to_thread(rig.stack.run_module, "tests.bench.populate", "stored", wanted)
        stored = number
        trips = await _trips(rig, http)
        cells = [f"{percentile(trips, share):.2f}" for share in (0.5, 0.99)]
        rows.append([f"{number:,}", *cells])
        progress(f"{number:,} stored")
    table("Growth: a round trip with few and many stored conversations", rows)
    table("Plans of the hot statements", [["statement", "plan"], *_plans(rig)])


async def _trips(rig: Rig, http: aiohttp.ClientSession) -> list[float]:
    async with widgets([await connect_baton(http, rig.demo)]) as people:
        return await paced_trips(people[0], TRIPS)


def _plans(rig: Rig) -> list[list[str]]:
    rows = []
    for line in rig.stack.run_module("tests.bench.plans").splitlines():
        name, *scans = line.split("\t")
        rows += [[name if scan is scans[0] else "", scan] for scan in scans]
    with psycopg.connect(rig.stack.database_url) as connection:
        for name, statement in OTHERS.items():
            lines = [line for (line,) in connection.execute(f"EXPLAIN {statement}").fetchall()]
            nodes = [line.split("(cost")[0].strip(" ->") for line in lines if "(cost" in line]
            rows.append([name, nodes[-1]])
    return rows
