"""What idle widgets cost, and how soon all of them see something."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from tests.bench.process import cpu_seconds, resident_bytes, settled_bytes
from tests.bench.rig import Rig
from tests.bench.table import percentile, progress, table

NUMBERS = (1000, 5000)
AT_ONCE = 50
IDLE_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
HEARTBEAT = "EVENT_TYPE_HEARTBEAT"
SYSTEM_LINE = "EVENT_TYPE_SYSTEM_MESSAGE"
HEAD = ["idle widgets", "kB each", "connected per s", "CPU idle", "all ask at once: p50 ms", "p99"]
HEAD += ["broadcast per s", "p50 ms", "p99 ms", "line by line: p50 ms", "p99 ms"]
NOTE = """\
  Broadcast: one line in the journal of every widget's conversation, a hundred to a transaction, as
  fast as one process writes them; from the first one's start until a widget has its line. Line by
  line: the same, each from the beginning of its own transaction. CPU idle: of the web process, as a
  share of a core."""

Heard = tuple[float, str]  # when, and the text if there is one


class IdleWidget:
    """A socket that is always read, as a browser does; says when a frame of a kind came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Read from now on."""
        self.socket = socket
        self._awaited: dict[str, asyncio.Future[Heard]] = {}
        self._reader = asyncio.create_task(self._read())

    def hears(self, kind: str) -> asyncio.Future[Heard]:
        """Return what will hold the next frame of a kind."""
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._awaited[kind] = future
        return future

    async def close(self) -> None:
        """Go away."""
        self._reader.cancel()
        await self.socket.close()

    async def _read(self) -> None:
        async for message in self.socket:
            now = time.monotonic()
            frame = json.loads(message.data)
            future = self._awaited.pop(frame["type"], None)
            if future is not None:
                future.set_result((now, str(frame["payload"].get("message"))))
        for future in self._awaited.values():
            future.set_exception(ConnectionError(f"closed with {self.socket.close_code}"))


async def idle_sockets(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Hold idle widgets on one web process, then let everyone hear something at once."""
    rows = [HEAD]
    sockets: list[IdleWidget] = []
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
        cells.append(f"{number / max(heard) * 1000:.0f}")
        cells += [f"{percentile(heard, share):.0f}" for share in (0.5, 0.99)]
        cells += [f"{percentile(lines, share):.0f}" for share in (0.5, 0.99)]
        rows.append([f"{number:,}", *cells])
        progress(f"{number:,} idle widgets")
    await asyncio.gather(*(socket.close() for socket in sockets))
    table("Idle widgets on one web process", rows)
    print(NOTE)


async def _connect(
    rig: Rig, http: aiohttp.ClientSession, sockets: list[IdleWidget], number: int
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


async def _open(rig: Rig, http: aiohttp.ClientSession, session_id: str, token: str) -> IdleWidget:
    socket = await http.ws_connect(
        f"{rig.demo['base_url'].replace('http', 'ws', 1)}/ws",
        params={"session_id": session_id},
        protocols=("baton.v1", f"bearer.{token}"),
    )
    await socket.receive()
    return IdleWidget(socket)


async def _ask_all(sockets: list[IdleWidget]) -> list[float]:
    """Send a heartbeat on every socket at once and time each echo, in milliseconds."""

    async def ask(widget: IdleWidget) -> float:
        started = time.monotonic()
        answer = widget.hears(HEARTBEAT)
        await widget.socket.send_str(json.dumps({"type": HEARTBEAT, "payload": {}}))
        return ((await answer)[0] - started) * 1000

    async with asyncio.timeout(PATIENCE_SECONDS):
        return list(await asyncio.gather(*(ask(socket) for socket in sockets)))


async def _idle_share(pid: int) -> float:
    used = cpu_seconds(pid)
    await asyncio.sleep(IDLE_SECONDS)
    return (cpu_seconds(pid) - used) / IDLE_SECONDS


async def _broadcast(rig: Rig, sockets: list[IdleWidget]) -> tuple[list[float], list[float]]:
    """Return when each widget heard its line: after the first one began, and after its own."""

    hearing = [socket.hears(SYSTEM_LINE) for socket in sockets]
    number = str(len(sockets))
    await asyncio.to_thread(rig.stack.run_module, "tests.bench.broadcast", number)
    async with asyncio.timeout(PATIENCE_SECONDS):
        heard = [(at, float(said)) for at, said in await asyncio.gather(*hearing)]
    began = min(said for _, said in heard)
    return [(at - began) * 1000 for at, _ in heard], [(at - said) * 1000 for at, said in heard]
