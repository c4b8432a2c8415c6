"""What an answer of the AI agent takes: by a topic, a tool and a webhook, beside a bare server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from config.demo.embedded import free_port
from tests.bench.costs import costs
from tests.bench.neighbour_sessions import QUESTION, Place, ask, end
from tests.bench.rig import Rig, python_start
from tests.bench.statements import logged
from tests.bench.table import percentile, progress, table
from tests.statement_log import CONTROL

KINDS = ("topic", "tool", "webhook")
RATE = 20.0
# Conversations of each of four projects; a project begins one turn at a time on two cores.
EACH = 12
WARM_UP_SECONDS = 2.0
COUNTED = 30
PARTS = ("web", "worker", "PostgreSQL", "Redis", "generator")
PACED_HEAD = ["answered by", "floor p50 ms", "p99", "Baton p50 ms", "p99", "p50 to floor", "p99"]
PACED_HEAD += ["statements: floor", "Baton"]
FLAT_HEAD = ["answered by", "floor per s", "Baton per s", "Baton p50 ms", "p99"]
FLAT_HEAD += [*(f"{part} ms" for part in PARTS), "all", "cores used"]
# How many times the floor's median an answer may take.
GOALS = {"topic": 4.0, "tool": 6.0}
GOALS_HEAD = ["answered by", "goal", "p50 to floor", "verdict"]
GOALS_HEAD += ["2 cores hold per s", "a web process", "a worker process"]
NOTE = """\
  From the question sent on a socket to the answer read; the conversations belong to four projects.
  Floor: a bare ASGI server that reads and writes the same rows of the same tables in one process
  (tests/bench/turn_floor.py); it runs no tool, and asks the same webhook agent. Statements are
  counted in PostgreSQL's log, for one answer. Flat out: 48 conversations that each ask again as
  soon as they are answered; processor time is that of one answer, by process
  (worker: with the processes of its tools). What processes hold is reckoned from it, for cores that
  do nothing else; the generator's time does not count."""

Asker = Callable[[], Awaitable[float]]


@dataclass(slots=True)
class Found:
    """What was measured of one kind: the floor, then Baton."""

    paced: list[list[float]] = field(default_factory=list)
    statements: list[float] = field(default_factory=list)
    flat: list[list[str]] = field(default_factory=list)


async def turns(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure each kind at a steady pace and flat out."""
    paced, flat, goals = [PACED_HEAD], [FLAT_HEAD], [GOALS_HEAD]
    with _served(rig) as (floor_url, agent_url):
        printed = await asyncio.to_thread(
            rig.stack.run_module, "tests.bench.turn_tenants", agent_url, str(EACH)
        )
        tenants = json.loads(printed.splitlines()[-1])
        for kind in KINDS:
            found = Found()
            for sides in (_floor_askers, _baton_askers):
                askers, close = await sides(rig, http, floor_url, kind, tenants[kind])
                await _measure(rig, askers, found, seconds)
                await close()
            paced.append([kind, *_paced_cells(found)])
            flat.append([kind, found.flat[0][0], *found.flat[1]])
            goals.append([kind, *_goal_cells(kind, found)])
            progress("  ".join(paced[-1]))
    table(f"Answers of the AI agent, {RATE:.0f} per second", paced)
    table("Answers of the AI agent, flat out", flat)
    table("Goals, and what the processor time of an answer allows", goals)
    print(NOTE)


@contextmanager
def _served(rig: Rig) -> Iterator[tuple[str, str]]:
    """Serve the floor and the webhook agent, each in a process of its own."""
    ports = [free_port() for _ in range(2)]
    agent_url = f"http://127.0.0.1:{ports[1]}/turn"
    started: list[subprocess.Popen[str]] = []
    try:
        for port in ports:
            arguments = (str(port), rig.stack.database_url, agent_url)
            started.append(python_start("tests.bench.turn_floor", *arguments))
        yield f"ws://127.0.0.1:{ports[0]}", agent_url
    finally:
        for process in started:
            process.kill()
            process.wait()


Close = Callable[[], Awaitable[None]]


async def _floor_askers(
    rig: Rig, http: aiohttp.ClientSession, url: str, kind: str, tenants: list[dict[str, Any]]
) -> tuple[list[Asker], Close]:
    """Return what asks the floor, one for each of its conversations."""
    sockets = []
    for index in range(EACH):
        for one in tenants:
            conversation = one["conversations"][index]
            named = {"kind": kind, "project": one["project"], "conversation": conversation}
            sockets.append(await http.ws_connect(f"{url}/?{urlencode(named)}"))

    def asker(socket: aiohttp.ClientWebSocketResponse) -> Asker:
        async def ask_floor() -> float:
            started = time.monotonic()
            await socket.send_str(json.dumps({"text": QUESTION}))
            await socket.receive()
            return (time.monotonic() - started) * 1000

        return ask_floor

    async def close() -> None:
        await asyncio.gather(*(socket.close() for socket in sockets))

    return [asker(socket) for socket in sockets], close


async def _baton_askers(
    rig: Rig, http: aiohttp.ClientSession, url: str, kind: str, tenants: list[dict[str, Any]]
) -> tuple[list[Asker], Close]:
    """Return what asks Baton's AI agent, one for each of as many conversations."""
    keys = {one["key"]: one["key"] for one in tenants}
    place = Place(base_url=rig.demo["base_url"], http=http, keys=keys)
    widgets = [await place.open(key) for _ in range(EACH) for key in keys]

    async def close() -> None:
        await asyncio.gather(*(end(widget) for widget in widgets))

    return [lambda widget=widget: ask(widget) for widget in widgets], close


async def _measure(rig: Rig, askers: Sequence[Asker], found: Found, seconds: float) -> None:
    await _steady(askers, WARM_UP_SECONDS)
    found.paced.append(await _steady(askers, seconds))
    found.statements.append(await _statements(rig, askers[0]))
    found.flat.append(await _flat_out(rig, askers, seconds))


async def _steady(askers: Sequence[Asker], seconds: float) -> list[float]:
    """Ask at RATE, in each conversation in turn; who is behind does not slow down the others."""
    free: asyncio.Queue[Asker] = asyncio.Queue()
    for asker in askers:
        free.put_nowait(asker)

    async def one(asker: Asker) -> float:
        took = await asker()
        free.put_nowait(asker)
        return took

    started, asked = time.monotonic(), []
    for index in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, started + index / RATE - time.monotonic()))
        asked.append(asyncio.create_task(one(await free.get())))
    return list(await asyncio.gather(*asked))


async def _statements(rig: Rig, asker: Asker) -> float:
    """Count the statements of an answer, less what goes on anyway."""
    with logged(rig) as read:
        await asyncio.sleep(COUNTED / RATE)
        idle = read()
        for _ in range(COUNTED):
            await asyncio.gather(asker(), asyncio.sleep(1 / RATE))
        busy = read()
    return (
        sum(number - idle[text] for text, number in busy.items() if text not in CONTROL) / COUNTED
    )


async def _flat_out(rig: Rig, askers: Sequence[Asker], seconds: float) -> list[str]:
    """Return a row's cells: the rate, times, and what an answer costs."""
    took: list[float] = []

    async def talk(asker: Asker) -> None:
        while time.monotonic() < until:
            took.append(await asker())

    before, until = costs(rig), time.monotonic() + seconds
    await asyncio.gather(*(talk(asker) for asker in askers))
    spent = costs(rig).since(before)
    parts = [1000 * spent.cpu[part] / len(took) for part in PARTS]
    cells = [len(took) / spent.seconds, percentile(took, 0.5), percentile(took, 0.99)]
    times = [f"{ms:.2f}" for ms in (*parts, sum(parts))]
    cores = sum(parts) * len(took) / 1000 / spent.seconds
    return [*(f"{cell:.0f}" for cell in cells), *times, f"{cores:.2f}"]


def _goal_cells(kind: str, found: Found) -> list[str]:
    """Return the goal, how far it is kept, and how many answers a second the processes hold."""
    floor, baton = (percentile(one, 0.5) for one in found.paced)
    ratio, goal = baton / floor, GOALS.get(kind)
    kept = "-" if goal is None else "kept" if ratio <= goal else "MISSED"
    first = FLAT_HEAD.index("web ms") - 2  # the kind and the floor's rate stand before
    web, worker, postgres, redis = (float(cell) for cell in found.flat[1][first : first + 4])
    holds = (2000 / (web + worker + postgres + redis), 1000 / web, 1000 / worker)
    told = "-" if goal is None else f"{goal:.0f}x"
    return [told, f"{ratio:.1f}x", kept, *(f"{number:.0f}" for number in holds)]


def _paced_cells(found: Found) -> list[str]:
    shares = (0.5, 0.99)
    floor, baton = ([percentile(one, share) for share in shares] for one in found.paced)
    ratios = [f"{ours / bare:.1f}x" for ours, bare in zip(baton, floor, strict=True)]
    times = [f"{ms:.1f}" for ms in (*floor, *baton)]
    return [*times, *ratios, *(f"{number:.1f}" for number in found.statements)]
