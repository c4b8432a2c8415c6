"""What a conversation costs that goes over HTTP, beside one over a WebSocket."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from typing import Any

import aiohttp

from tests.bench.process import cpu_seconds
from tests.bench.rig import Rig
from tests.bench.table import percentile, progress, table
from tests.load.ways import POLL, SOCKET, STREAM, HttpWay, SocketWay, Way

PEOPLE = 10
PER_SECOND = 2.0
IDLE = 200
IDLE_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
HEAD = ["way", "round trips", "p50 ms", "p95 ms", "p99 ms", "web: ms of CPU each", "idle, 200: CPU"]
NOTE = """\
  A round trip: a message to the echoing live agent and its echo, 10 conversations at 2 a second.
  Idle: open and silent, as a share of a core of the web process; a stream is opened anew each
  minute, a poll every 20 s."""


class Person:
    """One conversation with the echoing live agent, over one way."""

    def __init__(self, rig: Rig, http: aiohttp.ClientSession, kind: str) -> None:
        self._base, self._channel = rig.demo["base_url"], rig.demo["webchat"]
        self._http, self._kind = http, kind
        self._sequence = 0
        self._kinds: set[str] = set()
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._changed = asyncio.Condition()
        self._way: Way

    async def open(self) -> None:
        """Open a session and listen."""
        headers = {"X-Token": self._channel["public_key"], "X-Host": self._channel["host"]}
        token = (await self._post("/api/v1/access-token", headers))["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        session = (await self._post("/api/v1/sessions", bearer))["session_id"]
        self._way = await self._connect(session, token)
        self._task = asyncio.create_task(self._listen())
        await self._until("SESSION_START")

    async def reach(self) -> None:
        """Ask for the live agent."""
        await self._say("REQUEST_POLY_AGENT_JOIN", {})
        await self._until("POLY_AGENT_MESSAGE")
        await self._say("USER_MESSAGE", {"text": "I want to talk to a human"})
        await self._until("LIVE_AGENT_JOINED")

    async def trip(self) -> float:
        """Return the milliseconds of one round trip."""
        mark, started = uuid.uuid4().hex, time.monotonic()
        echo = self._waiting[mark] = asyncio.get_running_loop().create_future()
        await self._say("USER_MESSAGE", {"text": f"{mark}|{started}"})
        return (await asyncio.wait_for(echo, PATIENCE_SECONDS) - started) * 1000

    async def close(self) -> None:
        """Leave."""
        self._task.cancel()
        self._way.cut()

    async def _post(self, path: str, headers: dict[str, str]) -> dict[str, Any]:
        async with self._http.post(self._base + path, json={}, headers=headers) as answer:
            answer.raise_for_status()
            body: dict[str, Any] = await answer.json()
            return body

    async def _connect(self, session: str, token: str) -> Way:
        if self._kind != SOCKET:
            url = f"{self._base}/api/v1/sessions/{session}/events"
            polls = self._kind == POLL
            return HttpWay(self._http, url, token, lambda: self._sequence, polls=polls)
        url = f"{self._base.replace('http', 'ws', 1)}/ws"
        protocols = ("baton.v1", f"bearer.{token}")
        query = {"session_id": session}
        return SocketWay(await self._http.ws_connect(url, params=query, protocols=protocols))

    async def _say(self, kind: str, payload: dict[str, Any]) -> None:
        custom = {"client_event_id": str(uuid.uuid4())}
        frame = {"type": f"EVENT_TYPE_{kind}", "payload": payload, "metadata": {"custom": custom}}
        await self._way.send(frame)

    async def _until(self, kind: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: kind in self._kinds)

    async def _listen(self) -> None:
        async for frame in self._way.frames():
            now = time.monotonic()
            for one in (frame, *frame["payload"].get("events", ())):
                self._heard(one, now)
            async with self._changed:
                self._changed.notify_all()

    def _heard(self, frame: dict[str, Any], now: float) -> None:
        self._sequence = max(self._sequence, frame["sequence"] or 0)
        kind = frame["type"].removeprefix("EVENT_TYPE_")
        self._kinds.add(kind)
        if kind == "LIVE_AGENT_MESSAGE":
            future = self._waiting.pop(frame["payload"]["text"].split("|")[0], None)
            if future is not None:
                future.set_result(now)


async def ways(rig: Rig, http: aiohttp.ClientSession, *, seconds: float) -> None:
    """Measure each way into a session, one after the other."""
    rows = [HEAD]
    for kind in (SOCKET, STREAM, POLL):
        people = [Person(rig, http, kind) for _ in range(PEOPLE)]
        await asyncio.gather(*(person.open() for person in people))
        await asyncio.gather(*(person.reach() for person in people))
        used, until = cpu_seconds(rig.stack.pid("web")), time.monotonic() + seconds
        talks = await asyncio.gather(*(_talk(one, until) for one in people))
        trips = list(itertools.chain.from_iterable(talks))
        each = (cpu_seconds(rig.stack.pid("web")) - used) / len(trips) * 1000
        await asyncio.gather(*(person.close() for person in people))
        shares = [f"{percentile(trips, share):.1f}" for share in (0.5, 0.95, 0.99)]
        idle = await _idle_share(rig, http, kind)
        rows.append([kind, str(len(trips)), *shares, f"{each:.1f}", f"{idle:.0%}"])
        progress(f"{kind}: {len(trips)} round trips")
    table("The ways into a session", rows)
    print(NOTE)


async def _talk(person: Person, until: float) -> list[float]:
    found = []
    while time.monotonic() < until:
        started = time.monotonic()
        found.append(await person.trip())
        await asyncio.sleep(max(0.0, 1 / PER_SECOND - (time.monotonic() - started)))
    return found


async def _idle_share(rig: Rig, http: aiohttp.ClientSession, kind: str) -> float:
    people = [Person(rig, http, kind) for _ in range(IDLE)]
    for start in range(0, IDLE, PEOPLE):
        await asyncio.gather(*(person.open() for person in people[start : start + PEOPLE]))
    used = cpu_seconds(rig.stack.pid("web"))
    await asyncio.sleep(IDLE_SECONDS)
    share = (cpu_seconds(rig.stack.pid("web")) - used) / IDLE_SECONDS
    await asyncio.gather(*(person.close() for person in people))
    return share
