"""Which statements a round trip takes, counted by PostgreSQL itself."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg

from tests.bench.clients import Widget
from tests.bench.rig import Rig
from tests.bench.table import table

TRIPS = 100
PACE = 0.03
LENGTH = 90
FLUSH_SECONDS = 0.5
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")
LOGGED = re.compile(r"^.*LOG: (?:statement|execute [^:]*): (.*)$")
NEW_LINE = re.compile(r"\n(?!\t)")  # a tab begins what belongs to the line before
VALUES = re.compile(r"'[^']*'|\$?\b\d+\b")


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


@contextmanager
def logged(rig: Rig) -> Iterator[Callable[[], Counter[str]]]:
    """Let PostgreSQL log every statement; what is yielded counts those since it was called last."""
    path = rig.postgres.process.log_path
    _configure(rig, "ALTER SYSTEM SET log_statement = 'all'")
    try:
        with path.open() as log:
            log.seek(0, 2)
            yield lambda: _count(log.read())
    finally:
        _configure(rig, "ALTER SYSTEM RESET log_statement")


def _configure(rig: Rig, statement: LiteralString) -> None:
    with psycopg.connect(rig.stack.database_url, autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")


def _count(text: str) -> Counter[str]:
    """Count statements, with their values left out, by their beginning."""
    found: Counter[str] = Counter()
    for line in NEW_LINE.split(text):
        if match := LOGGED.match(" ".join(line.split())):
            found[VALUES.sub("?", match[1])[:LENGTH]] += 1
    return found
