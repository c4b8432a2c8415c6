"""End crosses a line: live agents end while end users write, and all of it is accounted for."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass

import aiohttp

from tests.chaos.talk import Talk
from tests.chaos.vendors import ChaosVendor
from tests.journeys.stack import Stack
from tests.load.desk import AsyncDesk

CROSSINGS = 16
AT_ONCE = 4
LINES = 3
# How far apart an end and a line may begin.
APART_SECONDS = 0.05
SETTLE_SECONDS = 60.0
# Others talk so much meanwhile that a connector may have to save requests.
JOIN_SECONDS = 120.0


@dataclass
class Crossed:
    """What became of the ends and the lines that met."""

    ends: int = 0
    # Vendor conversations that are open and that no open handoff owns.
    ghosts: int = 0
    # Accepted lines that are neither at the vendor nor shown as not delivered, and missing ends.
    without_fate: int = 0
    after_end: int = 0

    @property
    def is_clean(self) -> bool:
        """Say whether nothing was left over."""
        return not (self.ghosts or self.without_fate or self.after_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Where people meet: the vendor, its desk, and the conversations that go on meanwhile."""

    stack: Stack
    vendor: ChaosVendor
    desk: AsyncDesk
    http: aiohttp.ClientSession
    rng: random.Random
    others: frozenset[str]
    crossed: Crossed

    async def cross_all(self) -> None:
        """Let many ends cross many lines, then count what is left."""
        before = await self._open()
        phrase = self.stack.demo["simulators"][self.vendor.key]["phrase"]
        clients = self.vendor.clients(self.stack, self.http, CROSSINGS)
        for client in clients:
            if client.end_user is not None:  # nobody else's conversations
                client.end_user = {"external_id": f"crossing-{uuid.uuid4().hex}"}
        talks = [Talk(client, self.desk, phrase=phrase) for client in clients]
        at_once = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._cross(talk, at_once) for talk in talks))
        await self._count(talks, before)
        await asyncio.gather(*(talk.client.close() for talk in talks))

    async def _cross(self, talk: Talk, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            await talk.begin(seconds=JOIN_SECONDS)
            await asyncio.gather(self._end(talk), *(self._say(talk, n) for n in range(LINES)))
            self.crossed.ends += 1
            try:
                await talk.client.until(
                    lambda: "SESSION_END" in talk.client.types, seconds=SETTLE_SECONDS
                )
            except TimeoutError:
                self.crossed.without_fate += 1

    async def _end(self, talk: Talk) -> None:
        await asyncio.sleep(self.rng.uniform(0, APART_SECONDS))
        await self.desk.does(talk.id, "end")

    async def _say(self, talk: Talk, number: int) -> None:
        await asyncio.sleep(self.rng.uniform(0, 2 * APART_SECONDS))
        await talk.client.send(f"c-{talk.tag}-{number}")

    async def _count(self, talks: list[Talk], before: set[str]) -> None:
        """Give ends the time to be confirmed, and late lines the time to appear."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while (left := await self._open() - before - self.others) and (
            asyncio.get_running_loop().time() < deadline
        ):
            await asyncio.sleep(0.25)
        self.crossed.ghosts += len(left)
        at_desk = await self.desk.said_by_end_user()
        arrived = {text for texts in at_desk.values() for text in texts}
        for talk in talks:
            accepted = {text for text in talk.client.echoes if text.startswith("c-")}
            fates = arrived | set(talk.client.not_delivered)
            self.crossed.without_fate += len(accepted - fates)
            self.crossed.after_end += len(talk.client.after_end)

    async def _open(self) -> set[str]:
        rows = await self.desk.conversations()
        return {str(row["id"]) for row in rows if row["status"] != "ended"}
