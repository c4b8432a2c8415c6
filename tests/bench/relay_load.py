"""Handoffs for relay workers to hold: make them, wait for them, let their live agents speak."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass

import aiohttp
import psycopg

from tests.bench.rig import Rig

ATTACH_SECONDS = 120.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Attaching:
    """Seconds until the first and until all streams were open."""

    first: float
    all: float


@dataclass(frozen=True, slots=True)
class RelayLoad:
    """Handoffs at the echoing vendor, seen from outside: as rows and as open streams."""

    rig: Rig
    http: aiohttp.ClientSession

    async def streams(self) -> int:
        """Return how many end users the vendor has a stream to."""
        async with self.http.get(f"{self.rig.vendor_url}/count") as answer:
            return int((await answer.json())["streams"])

    async def fill_to(self, number: int) -> float:
        """Make handoffs until so many are held; return the seconds until all are."""
        missing = number - await self.streams()
        await asyncio.to_thread(
            self.rig.stack.run_module, "tests.bench.populate", "handoffs", str(missing)
        )
        return (await self.attached(number)).all

    async def attached(self, number: int, since: float | None = None) -> Attaching:
        """Wait until so many streams are open; raises TimeoutError with what went wrong."""
        started = time.monotonic() if since is None else since
        first, found = 0.0, 0
        while found < number:
            found = await self.streams()
            if found and not first:
                first = time.monotonic() - started
            if time.monotonic() - started > ATTACH_SECONDS:
                raise TimeoutError(f"{found} of {number} attached; handoffs: {self._states()}")
            await asyncio.sleep(POLL_SECONDS)
        return Attaching(first=first, all=time.monotonic() - started)

    async def attached_anew(self, number: int, since: float) -> Attaching:
        """Wait until streams that break now are all open again."""
        lowest = number
        while (found := await self.streams()) <= lowest and found:
            lowest = found
            if time.monotonic() - since > ATTACH_SECONDS:
                raise TimeoutError("no stream was broken")
            await asyncio.sleep(POLL_SECONDS)
        return await self.attached(number, since)

    async def restart(self, name: str) -> Attaching:
        """Stop the only relay worker in good order, start it again, wait for all it held."""
        number = await self.streams()
        await asyncio.to_thread(self.rig.stack.kill, name, signal.SIGTERM)
        since = time.monotonic()
        starting = asyncio.create_task(asyncio.to_thread(self.rig.stack.start, name))
        attaching = await self.attached_anew(number, since)
        await starting
        return attaching

    async def leave(self, name: str) -> None:
        """Stop one of two relay workers in good order; the other one takes what it held."""
        number = await self.streams()
        since = time.monotonic()
        await asyncio.to_thread(self.rig.stack.kill, name, signal.SIGTERM)
        await self.attached_anew(number, since)

    async def speak(self, *, every: float, seconds: float) -> int:
        """Let each live agent say a line every so often, for a time; return how many lines."""
        body = {"every": every, "seconds": seconds}
        async with self.http.post(f"{self.rig.vendor_url}/say_all", json=body) as answer:
            return int((await answer.json())["said"])

    def _states(self) -> str:
        with psycopg.connect(self.rig.stack.database_url) as connection:
            rows = connection.execute(
                "SELECT state, error_code, count(*) FROM handoffs_handoff GROUP BY 1, 2 ORDER BY 1"
            ).fetchall()
        return ", ".join(f"{number} {state} {code}".strip() for state, code, number in rows)
