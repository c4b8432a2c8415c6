"""What idle widgets cost, and how soon all of them see something."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from tests.bench.process import resident_bytes
from tests.bench.rig import Rig
from tests.bench.table import percentile, table

NUMBERS = (1000, 5000)
HEARTBEAT = '{"type": "EVENT_TYPE_HEARTBEAT", "payload": {}}'


async def idle_sockets(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Hold idle widgets on one web process, then let everyone hear an answer at once."""
    rows = [["idle sockets", "kB each", "connected per s", "answer to all: p50 ms", "p99 ms"]]
    sockets: list[aiohttp.ClientWebSocketResponse] = []
    before = resident_bytes(rig.stack.pid("web"))
    for number in NUMBERS:
        rate = await _connect(rig, http, sockets, number)
        size = (resident_bytes(rig.stack.pid("web")) - before) / number
        waits = await _ask_all(sockets)
        cells = [f"{size / 1000:.0f}", f"{rate:.0f}"]
        cells += [f"{percentile(waits, 0.5):.0f}", f"{percentile(waits, 0.99):.0f}"]
        rows.append([str(number), *cells])
    await asyncio.gather(*(socket.close() for socket in sockets))
    table("Idle widgets on one web process", rows)


async def _connect(
    rig: Rig,
    http: aiohttp.ClientSession,
    sockets: list[aiohttp.ClientWebSocketResponse],
    number: int,
) -> float:
    wanted = number - len(sockets)
    printed = await asyncio.to_thread(
        rig.stack.run_module, "tests.bench.populate", "sessions", str(wanted)
    )
    pairs = [line.split() for line in printed.splitlines() if line.count(" ") == 1]
    started = time.monotonic()
    for start in range(0, wanted, 50):
        group = pairs[start : start + 50]
        sockets += await asyncio.gather(*(_open(rig, http, *pair) for pair in group))
    return wanted / (time.monotonic() - started)


async def _open(
    rig: Rig, http: aiohttp.ClientSession, session_id: str, token: str
) -> aiohttp.ClientWebSocketResponse:
    socket = await http.ws_connect(
        f"{rig.demo['base_url'].replace('http', 'ws', 1)}/ws",
        params={"session_id": session_id},
        protocols=("baton.v1", f"bearer.{token}"),
    )
    await socket.receive()
    return socket


async def _ask_all(sockets: list[aiohttp.ClientWebSocketResponse]) -> list[float]:
    """Send a heartbeat on every socket at once and time each echo, in milliseconds."""

    async def ask(socket: aiohttp.ClientWebSocketResponse) -> float:
        started = time.monotonic()
        await socket.send_str(HEARTBEAT)
        while "HEARTBEAT" not in str((await socket.receive()).data):
            continue
        return (time.monotonic() - started) * 1000

    return list(await asyncio.gather(*(ask(socket) for socket in sockets)))
