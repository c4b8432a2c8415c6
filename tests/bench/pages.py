"""What the portal's pages cost with a year's data, beside what each may cost."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.bench.page_targets import PAGES
from tests.bench.rig import Rig
from tests.bench.table import progress, table

CONVERSATIONS = 100_000


async def pages(
    rig: Rig, http: aiohttp.ClientSession, *, seconds: float, share: float = 1.0
) -> None:
    """Fill the database, read each page, print statements, times and scans of large tables."""
    number = int(CONVERSATIONS * share)
    progress(f"making {number:,} conversations")
    run = rig.stack.run_module
    made = await asyncio.to_thread(run, "tests.bench.page_rows", str(number))
    progress(f"{number:,} conversations with ten lines each are there")
    lines = await asyncio.to_thread(run, "tests.bench.page_costs", *made.split()[-2:])
    rows = [["page", "statements", "may be", "p95 ms", "may be", "scans of large tables"]]
    for line in lines.splitlines():
        name, statements, spent, scans = line.split("\t")
        target = PAGES[name]
        most = (str(target.statements), str(target.milliseconds))
        rows.append([name, statements, most[0], spent, most[1], scans or "none"])
    table(f"The portal's pages at {number:,} conversations", rows)
