"""What idle widgets cost, and how soon all of them see something."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from tests.bench.process import cpu_seconds, resident_bytes, settled_bytes
from tests.bench.rig import Rig
from tests.bench.table import percentile, table

NUMBERS = (1000, 5000)
AT_ONCE = 50
IDLE_SECONDS = 10.0
BROADCAST_SECONDS = 60.0
HEARTBEAT = '{"type": "EVENT_TYPE_HEARTBEAT", "payload": {}}'
SYSTEM_LINE = "EVENT_TYPE_SYSTEM_MESSAGE"
HEAD = ["idle widgets", "kB each", "connected per s", "CPU idle", "all ask at once: p50 ms", "p99"]
HEAD += ["broadcast: p50 ms", "p99 ms", "last ms", "line by line: p50 ms", "p99 ms"]
NOTE = """\
  Broadcast: one line in the journal of every widget's conversation, a hundred to a transaction, by
  one process; from its start until a widget has its line. Line by line: the same, each from the
  beginning of its own transaction. CPU idle: of the web process, as a share of a core."""

Socket = aiohttp.ClientWebSocketResponse


async def idle_sockets(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Hold idle widgets on one web process, then let everyone hear something at once."""
    rows = [HEAD]
    sockets: list[Socket] = []
    pid = rig.stack.pid("web")
    before = resident_bytes(pid)
    for number in NUMBERS:
        rate = await _connect(rig, http, sockets, number)
        size = (await settled_bytes(pid) - before) / number
        asked = await _ask_all(sockets)
        idle = await _idle_share(pid)
        heard, lines = await _broadcast(rig, sockets)
        cells = [f"{size / 1000:.0f}", f"{rate:.0f}", f"{idle:.0%}"]
        cells += [f"{percentile(asked, share):.0f}" for share in (0.5, 0.99)]
        cells += [f"{percentile(heard, share):.0f}" for share in (0.5, 0.99, 1)]
        cells += [f"{percentile(lines, share):.0f}" for share in (0.5, 0.99)]
        rows.append([f"{number:,}", *cells])
    await asyncio.gather(*(socket.close() for socket in sockets))
    table("Idle widgets on one web process", rows)
    print(NOTE)


async def _connect(
    rig: Rig, http: aiohttp.ClientSession, sockets: list[Socket], number: int
) -> float:
    wanted = number - len(sockets)
    printed = await asyncio.to_thread(
        rig.stack.run_module, "tests.bench.populate", "sessions", str(wanted)
    )
    pairs = [line.split() for line in printed.splitlines() if line.count(" ") == 1]
    started = time.monotonic()
    for start in range(0, wanted, AT_ONCE):
        group = pairs[start : start + AT_ONCE]
        sockets += await asyncio.gather(*(_open(rig, http, *pair) for pair in group))
    return wanted / (time.monotonic() - started)


async def _open(rig: Rig, http: aiohttp.ClientSession, session_id: str, token: str) -> Socket:
    socket = await http.ws_connect(
        f"{rig.demo['base_url'].replace('http', 'ws', 1)}/ws",
        params={"session_id": session_id},
        protocols=("baton.v1", f"bearer.{token}"),
    )
    await socket.receive()
    return socket


async def _ask_all(sockets: list[Socket]) -> list[float]:
    """Send a heartbeat on every socket at once and time each echo, in milliseconds."""

    async def ask(socket: Socket) -> float:
        started = time.monotonic()
        await socket.send_str(HEARTBEAT)
        while "HEARTBEAT" not in str((await socket.receive()).data):
            continue
        return (time.monotonic() - started) * 1000

    return list(await asyncio.gather(*(ask(socket) for socket in sockets)))


async def _idle_share(pid: int) -> float:
    used = cpu_seconds(pid)
    await asyncio.sleep(IDLE_SECONDS)
    return (cpu_seconds(pid) - used) / IDLE_SECONDS


async def _broadcast(rig: Rig, sockets: list[Socket]) -> tuple[list[float], list[float]]:
    """Return when each widget heard its line: after the first one began, and after its own."""

    async def hear(socket: Socket) -> tuple[float, float]:
        while True:
            frame = json.loads((await socket.receive()).data)
            if frame["type"] == SYSTEM_LINE:
                return float(frame["payload"]["message"]), time.monotonic()

    hearing = [asyncio.create_task(hear(socket)) for socket in sockets]
    number = str(len(sockets))
    await asyncio.to_thread(rig.stack.run_module, "tests.bench.broadcast", number)
    async with asyncio.timeout(BROADCAST_SECONDS):
        heard = await asyncio.gather(*hearing)
    began = min(said for said, _ in heard)
    from_start = [(at - began) * 1000 for _, at in heard]
    return from_start, [(at - said) * 1000 for said, at in heard]
