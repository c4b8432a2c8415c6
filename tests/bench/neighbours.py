"""What a quiet tenant feels of its neighbours: the AI agent's answer alone, then beside each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp

from tests.bench.clients import connect_idle
from tests.bench.rig import Rig
from tests.bench.sockets import IdleWidget
from tests.bench.table import percentile, table

# Where the widgets of tests/factories.py may be.
HOST = "shop.example"
QUESTION = "When are you open?"
# A conversation may take sixty turns a minute: several ask in turn.
QUIET_SESSIONS = 8
PAUSE_SECONDS = 0.1
SETTLE_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
FLOODS, FLOOD_MESSAGES = 4, 190
LOOPING_SESSIONS = 12
CROWD_SESSIONS = 50
SIGN_INS = 40
ANSWER = "EVENT_TYPE_POLY_AGENT_MESSAGE"
HEAD = ["beside", "answers", "p50 ms", "p99 ms", "most ms", "p50 to alone", "p99 to alone"]
NOTE = """\
  The quiet tenant's tool returns a text; from the message sent to the answer read. Floods: four new
  sessions at a time, 190 short messages at once on each, without an account. Looping: sessions that
  each ask for a tool that loops until its limit of 10 s, again and again. Crowd: 50 conversations
  that each ask at the same moment, again as soon as all are answered. Wrong sign-ins: 40 at once,
  again as soon as all are answered."""


@dataclass(slots=True)
class Neighbourhood:
    """Who lives where, and how to come in."""

    rig: Rig
    http: aiohttp.ClientSession
    keys: dict[str, str]

    async def session(self, tenant: str) -> IdleWidget:
        """Open a conversation with a tenant's AI agent."""
        webchat = {"public_key": self.keys[tenant], "host": HOST}
        widget = await connect_idle(
            self.http, {"base_url": self.rig.demo["base_url"], "webchat": webchat}
        )
        await widget.frame("REQUEST_POLY_AGENT_JOIN", {})
        await widget.until("POLY_AGENT_MESSAGE")
        return IdleWidget(widget.socket)


async def neighbours(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure alone, then beside each kind of neighbour, and alone again."""
    printed = await asyncio.to_thread(rig.stack.run_module, "tests.bench.tenants")
    place = Neighbourhood(rig, http, json.loads(printed.splitlines()[-1]))
    beside: dict[str, list[Callable[[], Awaitable[None]]]] = {
        "nobody": [],
        "four floods": [partial(_flood, place) for _ in range(FLOODS)],
        "12 looping tools of one project": _looping(place, "looping"),
        "12 each of two projects": [
            *_looping(place, "looping"),
            *_looping(place, "looping too"),
        ],
        "50 conversations at once": [partial(_crowd, place)],
        "40 wrong sign-ins at once": [partial(_sign_ins, place)],
        "nobody, again": [],
    }
    rows = [HEAD]
    alone: list[float] = []
    widgets = [await place.session("quiet") for _ in range(QUIET_SESSIONS)]
    for name, do in beside.items():
        async with _going_on(do):
            found = await _answers(widgets, seconds)
        alone = alone or found
        rows.append([name, *_cells(found, alone)])
        print("  " + "  ".join(rows[-1]), flush=True)
    await asyncio.gather(*(widget.close() for widget in widgets))
    table("A quiet tenant beside others", rows)
    print(NOTE)


def _cells(found: list[float], alone: list[float]) -> list[str]:
    p50, p99 = percentile(found, 0.5), percentile(found, 0.99)
    shares = (p50 / percentile(alone, 0.5), p99 / percentile(alone, 0.99))
    figures = [f"{value:.0f}" for value in (p50, p99, max(found))]
    return [str(len(found)), *figures, *(f"{share:.1f}x" for share in shares)]


async def _answers(widgets: list[IdleWidget], seconds: float) -> list[float]:
    """Time the quiet tenant's answers in milliseconds, one after the other."""
    found: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(await _ask(widgets[len(found) % len(widgets)]))
        await asyncio.sleep(PAUSE_SECONDS)
    return found


async def _ask(widget: IdleWidget) -> float:
    answer = widget.hears(ANSWER)
    started = time.monotonic()
    await _say(widget, QUESTION)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return ((await answer)[0] - started) * 1000


async def _say(widget: IdleWidget, text: str) -> None:
    frame = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": text}}
    await widget.socket.send_str(json.dumps(frame))


@asynccontextmanager
async def _going_on(do: list[Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Do things again and again for the length of the block; a refusal ends none of it."""

    async def repeat(one: Callable[[], Awaitable[None]]) -> None:
        while True:
            with contextlib.suppress(RuntimeError, TimeoutError, aiohttp.ClientError):
                await one()
            await asyncio.sleep(PAUSE_SECONDS)

    tasks = [asyncio.create_task(repeat(one)) for one in do]
    if tasks:
        await asyncio.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _flood(place: Neighbourhood) -> None:
    widget = await place.session("flood")
    try:
        for _ in range(FLOOD_MESSAGES):
            await _say(widget, "hi")
        await asyncio.sleep(1.0)
    finally:
        await widget.close()


def _looping(place: Neighbourhood, tenant: str) -> list[Callable[[], Awaitable[None]]]:
    return [partial(_loop_once, place, tenant) for _ in range(LOOPING_SESSIONS)]


async def _loop_once(place: Neighbourhood, tenant: str) -> None:
    widget = await place.session(tenant)
    try:
        await _ask(widget)
    finally:
        await widget.close()


async def _crowd(place: Neighbourhood) -> None:
    widgets = await asyncio.gather(*(place.session("crowd") for _ in range(CROWD_SESSIONS)))
    try:
        for _ in range(5):
            await asyncio.gather(*(_ask(widget) for widget in widgets))
    finally:
        await asyncio.gather(*(widget.close() for widget in widgets))


async def _sign_ins(place: Neighbourhood) -> None:
    await asyncio.gather(*(_sign_in(place, number) for number in range(SIGN_INS)))


async def _sign_in(place: Neighbourhood, number: int) -> None:
    url = f"{place.rig.demo['base_url']}/login/"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(url) as page:
            token = page.cookies["csrftoken"].value if "csrftoken" in page.cookies else ""
        wrong = {"username": f"somebody{number}", "password": "wrong", "csrfmiddlewaretoken": token}
        async with http.post(url, data=wrong, headers={"Referer": url}) as answer:
            await answer.read()
