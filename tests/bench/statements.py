"""Which statements a round trip takes, counted by PostgreSQL itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.bench.clients import Widget
from tests.bench.rig import Rig
from tests.bench.table import table
from tests.statement_log import CONTROL, statements_logged

TRIPS = 100
PACE = 0.03
FLUSH_SECONDS = 0.5


async def statements(rig: Rig, widget: Widget) -> None:
    """Print what one conversation's round trips send to PostgreSQL, less what goes on anyway."""
    for _ in range(20):
        await widget.trip()
    with logged(rig) as read:
        await asyncio.sleep(TRIPS * PACE)
        await asyncio.sleep(FLUSH_SECONDS)
        idle = read()
        for _ in range(TRIPS):
            await asyncio.gather(widget.trip(), asyncio.sleep(PACE))
        await asyncio.sleep(FLUSH_SECONDS)
        busy = read()
    each = {text: (number - idle[text]) / TRIPS for text, number in busy.items()}
    shown = sorted(((number, text) for text, number in each.items() if number > 0.1), reverse=True)
    begun = sum(number for number, text in shown if text in CONTROL[:1])
    total = sum(number for number, text in shown if text not in CONTROL)
    rows = [["statement", "each round trip"]]
    rows += [[text, f"{number:.2f}"] for number, text in shown]
    table("Statements of one conversation's round trips, from PostgreSQL's log", rows)
    print(
        f"  {total:.1f} statements and {begun:.1f} BEGIN for a round trip, which is two messages."
    )


def logged(rig: Rig) -> AbstractContextManager[Callable[[], Counter[str]]]:
    """Let PostgreSQL log every statement; what is yielded counts those since it was called last."""
    return statements_logged(rig.postgres.process.log_path, rig.stack.database_url)
