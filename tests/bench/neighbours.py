"""What a quiet tenant feels of its neighbours: the AI agent's answer alone, then beside each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from config.demo.processes import BASE_DIR
from tests.bench.clients import Widget, connect_floor, widgets
from tests.bench.neighbour_sessions import Place, QuietError, ask, end
from tests.bench.rig import Rig
from tests.bench.sockets import IdleWidget
from tests.bench.table import percentile, table

# A conversation may take sixty turns a minute: several ask in turn.
QUIET_SESSIONS = 12
PAUSE_SECONDS = 0.05
SETTLE_SECONDS = 2.0
# A tool that loops goes on until its limit, also when its conversation has ended.
TOOL_SECONDS = 10.0
ROUNDS = 2
BESIDE = {
    "four floods": "flood",
    "12 looping tools of one project": "looping",
    "12 each of two projects": "looping in two projects",
    "50 conversations at once": "crowd",
    "40 wrong sign-ins at once": "sign-ins",
}
HEAD = ["beside", "answers", "failed", "alone p50 ms", "p99", "beside p50 ms", "p99", "most"]
HEAD += ["p99 to alone", "floor alone p50 ms", "p99", "floor beside p50 ms", "p99"]
NOTE = """\
  The quiet tenant's tool returns a text; from the message sent to the answer read. Alone is right
  before and right after each of two rounds beside the neighbour. Failed: refused, or the socket was
  closed, or no answer within 20 s. Floor: its echo (vendor and back, no database), asked in turn
  with the quiet tenant: what it feels is the machine. Floods: four new sessions at a time, 190
  short messages at once on each, without an account. Looping: sessions that each ask for a tool
  that loops until its limit of 10 s, again and again. Crowd: 50 conversations that each ask at the
  same moment, again as soon as all are answered. Wrong sign-ins: 40 at once, again as soon as all
  are answered. The neighbours' own processes step back for everything else."""


@dataclass(slots=True)
class Felt:
    """What the quiet tenant and the floor felt, in milliseconds."""

    answers: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    failed: int = 0


class QuietTenant:
    """Asks its AI agent now and then, in several conversations, whatever happens to them."""

    def __init__(self, place: Place, floor: Widget) -> None:
        """Open nothing yet."""
        self._place, self._floor = place, floor
        self._widgets: list[IdleWidget] = []

    async def listen(self, felt: Felt, seconds: float) -> None:
        """Ask for a time, one question after the other, and the floor in turn with them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                felt.answers.append(await self._ask())
            except (QuietError, RuntimeError, OSError, TimeoutError, aiohttp.ClientError):
                felt.failed += 1
            felt.floor.append((await self._floor.trip()).both)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self) -> float:
        """Ask in the conversation that has rested longest; one that fails is replaced."""
        if len(self._widgets) < QUIET_SESSIONS:
            self._widgets.append(await self._place.open("quiet"))
        widget = self._widgets.pop(0)
        try:
            found = await ask(widget)
        except QuietError:
            await end(widget)
            raise
        self._widgets.append(widget)
        return found

    async def open(self) -> None:
        """Open all conversations, so that none is opened while it is measured."""
        while len(self._widgets) < QUIET_SESSIONS:
            self._widgets.append(await self._place.open("quiet"))

    async def close(self) -> None:
        """End them all."""
        for widget in self._widgets:
            await end(widget)


async def neighbours(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure beside each kind of neighbour, and alone before and after."""
    printed = await asyncio.to_thread(rig.stack.run_module, "tests.bench.tenants")
    keys = json.loads(printed.splitlines()[-1])
    place = Place(base_url=rig.demo["base_url"], http=http, keys=keys)
    rows = [HEAD]
    async with widgets([await connect_floor(http, rig.floor_url)]) as [floor]:
        quiet = QuietTenant(place, floor)
        await quiet.open()
        await quiet.listen(Felt(), SETTLE_SECONDS)
        for name, kind in BESIDE.items():
            rows.append([name, *await _row(quiet, place, kind, seconds / ROUNDS)])
            print("  " + "  ".join(rows[-1]), flush=True)
        await quiet.close()
    table("A quiet tenant beside others", rows)
    print(NOTE)


async def _row(quiet: QuietTenant, place: Place, kind: str, seconds: float) -> list[str]:
    alone, beside = Felt(), Felt()
    for _ in range(ROUNDS):
        await quiet.listen(alone, seconds / 2)
        async with _going_on(place, kind):
            await asyncio.sleep(SETTLE_SECONDS)
            await quiet.listen(beside, seconds)
        await asyncio.sleep(SETTLE_SECONDS + (TOOL_SECONDS if "looping" in kind else 0))
        await quiet.listen(alone, seconds / 2)
    return _cells(alone, beside)


def _cells(alone: Felt, beside: Felt) -> list[str]:
    if not beside.answers:
        return ["0", str(beside.failed), *_two(alone.answers)]
    share = percentile(beside.answers, 0.99) / percentile(alone.answers, 0.99)
    return [
        str(len(beside.answers)),
        str(beside.failed),
        *_two(alone.answers),
        *_two(beside.answers),
        f"{max(beside.answers):.0f}",
        f"{share:.1f}x",
        *_two(alone.floor),
        *_two(beside.floor),
    ]


def _two(found: list[float]) -> list[str]:
    return [f"{percentile(found, share):.0f}" for share in (0.5, 0.99)]


@asynccontextmanager
async def _going_on(place: Place, kind: str) -> AsyncIterator[None]:
    """Have a neighbour in a process of its own for the length of the block."""
    command = [sys.executable, "-m", "tests.bench.neighbour_load", kind, place.base_url]
    process = subprocess.Popen(
        [*command, json.dumps(place.keys)],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await asyncio.to_thread(process.stdout.readline)
        yield
    finally:
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, TOOL_SECONDS)
        process.kill()
        process.wait()
