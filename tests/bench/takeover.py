"""How soon a running relay worker has taken over what another one held."""

from __future__ import annotations

import asyncio
import signal
import time

import psycopg
from django.conf import settings

from tests.bench.relay_load import ATTACH_SECONDS, POLL_SECONDS, RelayLoad
from tests.bench.table import table

HEAD = ["relay1, holding all, ended by", "sessions", "first claimed s", "all claimed s"]
OPEN = "state IN ('requested', 'connecting', 'queued', 'active')"
NEWEST = "(SELECT id FROM handoffs_relayworker ORDER BY started_at DESC LIMIT 1)"


async def takeover(load: RelayLoad, number: int) -> None:
    """End relay1 while it holds so many and relay2 runs, by SIGKILL and by SIGTERM; print both."""
    await load.fill_to(number)
    rows = [[*HEAD, "first stream s", "all streams s"]]
    for sign in (signal.SIGKILL, signal.SIGTERM):
        await asyncio.to_thread(load.rig.stack.start, "relay2")
        rows.append([sign.name, f"{number:,}", *await _end_relay1(load, number, sign)])
        await asyncio.to_thread(load.rig.stack.start, "relay1")
        await load.leave("relay2")
    table("Takeover by the other, running relay worker", rows)
    beat, dead = settings.RELAY_HEARTBEAT_SECONDS, settings.RELAY_DEAD_AFTER_SECONDS
    print(
        f"  Defaults: a worker beats every {beat:g} s and counts as dead after {dead:g} s, so after"
        f"\n  SIGKILL {dead - beat:g} to {dead + beat:g} s pass before the first claim."
    )


async def _end_relay1(load: RelayLoad, number: int, sign: signal.Signals) -> list[str]:
    with psycopg.connect(load.rig.stack.database_url, autocommit=True) as connection:
        worker = connection.execute(f"SELECT {NEWEST}").fetchone()
        assert worker is not None
        started = time.monotonic()
        await asyncio.to_thread(load.rig.stack.kill, "relay1", sign)
        claiming = asyncio.create_task(_claimed(connection, worker[0], number, started))
        attaching = await load.attached_anew(number, started)
        claims = await claiming
    return [f"{second:.1f}" for second in (*claims, attaching.first, attaching.all)]


async def _claimed(
    connection: psycopg.Connection[tuple[object, ...]], worker: object, number: int, started: float
) -> tuple[float, float]:
    """Return the seconds until a worker owns the first handoff, and all of them."""
    statement = f"SELECT count(*) FROM handoffs_handoff WHERE owner_id = %s AND {OPEN}"
    first = 0.0
    while time.monotonic() - started < ATTACH_SECONDS:
        ((owned,),) = connection.execute(statement, [worker]).fetchall()
        now = time.monotonic() - started
        first = first or (now if owned else 0.0)
        if owned == number:
            return first, now
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError(f"{owned} of {number} claimed")
