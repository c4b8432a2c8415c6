"""Be one kind of neighbour until standard input ends, then end every conversation.

python -m tests.bench.neighbour_load KIND BASE_URL KEYS

It stands for other machines, so everything else on this one goes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from tests.bench.neighbour_sessions import Place, QuietError, ask, say
from tests.bench.sockets import IdleWidget

PAUSE_SECONDS = 0.1
FLOODS, FLOOD_MESSAGES = 4, 190
LOOPING_SESSIONS = 12
CROWD_SESSIONS = 50
SIGN_INS = 40
NICENESS = 10
KINDS = ("flood", "looping", "looping in two projects", "crowd", "sign-ins")

Repeated = Callable[[], Awaitable[None]]


def neighbours_of(kind: str, place: Place) -> list[Repeated]:
    """Return what goes on at the same time, each again and again."""
    if kind == "flood":
        return [partial(_flood, place) for _ in range(FLOODS)]
    if kind == "crowd":
        return [partial(_crowd, place)]
    if kind == "sign-ins":
        return [partial(_sign_ins, place)]
    tenants = ["looping"] if kind == "looping" else ["looping", "looping too"]
    return [partial(_loop_once, place, name) for name in tenants for _ in range(LOOPING_SESSIONS)]


async def _flood(place: Place) -> None:
    async with place.session("flood") as widget:
        for _ in range(FLOOD_MESSAGES):
            await say(widget, "hi")
        await asyncio.sleep(1.0)


async def _loop_once(place: Place, tenant: str) -> None:
    async with place.session(tenant) as widget:
        await ask(widget)


async def _crowd(place: Place) -> None:
    async with contextlib.AsyncExitStack() as stack:
        opening = (stack.enter_async_context(place.session("crowd")) for _ in range(CROWD_SESSIONS))
        widgets: list[IdleWidget] = await asyncio.gather(*opening)
        for _ in range(5):
            await asyncio.gather(*(ask(widget) for widget in widgets), return_exceptions=True)


async def _sign_ins(place: Place) -> None:
    await asyncio.gather(*(_sign_in(place, number) for number in range(SIGN_INS)))


async def _sign_in(place: Place, number: int) -> None:
    url = f"{place.base_url}/login/"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(url) as page:
            token = page.cookies["csrftoken"].value if "csrftoken" in page.cookies else ""
        wrong = {"username": f"somebody{number}", "password": "wrong", "csrfmiddlewaretoken": token}
        async with http.post(url, data=wrong, headers={"Referer": url}) as answer:
            await answer.read()


async def _repeat(one: Repeated) -> None:
    """Go on whatever is refused."""
    refused = (QuietError, RuntimeError, TimeoutError, OSError, aiohttp.ClientError)
    while True:
        with contextlib.suppress(*refused):
            await one()
        await asyncio.sleep(PAUSE_SECONDS)


async def main(kind: str, base_url: str, keys: dict[str, str]) -> None:
    """Go on until standard input ends."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        place = Place(base_url=base_url, http=http, keys=keys)
        tasks = [asyncio.create_task(_repeat(one)) for one in neighbours_of(kind, place)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def step_back() -> None:
    """Let everything else go first, also where the kernel shares out between sessions first."""
    os.nice(NICENESS)
    autogroup = Path("/proc/self/autogroup")
    if autogroup.exists():
        with contextlib.suppress(OSError):
            autogroup.write_text(str(NICENESS))


if __name__ == "__main__":
    step_back()
    uvloop.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
