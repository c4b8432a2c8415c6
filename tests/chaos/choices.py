"""Several tabs take the same offer at once, and one structured answer reaches the vendor."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.chaos.talk import Talk
from tests.chaos.vendors import ChaosVendor
from tests.journeys.stack import Stack
from tests.load.desk import AsyncDesk
from tests.load.widget import WidgetClient

PEOPLE = 6
OFFERS = 3
TABS = 3
SETTLE_SECONDS = 60.0
JOIN_SECONDS = 120.0
# By then a second answer would have come, too.
SECOND_SECONDS = 1.5


@dataclass
class Answered:
    """What became of the offers that several tabs took at the same moment."""

    offers: int = 0
    # Offers whose answer the vendor never got, or got more than once.
    missing: int = 0
    repeated: int = 0

    @property
    def is_clean(self) -> bool:
        """Say whether each offer was answered exactly once."""
        return not (self.missing or self.repeated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where offers are made and taken: the vendor, its desk, and the conversations for it."""

    stack: Stack
    vendor: ChaosVendor
    desk: AsyncDesk
    http: aiohttp.ClientSession
    rng: random.Random
    answered: Answered

    async def offer_all(self) -> None:
        """Let each person be offered something, and take it in all tabs at once."""
        phrase = self.stack.demo["simulators"][self.vendor.key]["phrase"]
        clients = self.vendor.clients(self.stack, self.http, PEOPLE)
        for client in clients:
            if client.end_user is not None:  # nobody else's conversations
                client.end_user = {"external_id": f"choosing-{uuid.uuid4().hex}"}
        talks = [Talk(client, self.desk, phrase=phrase) for client in clients]
        await asyncio.gather(*(self._choose(talk) for talk in talks))
        await asyncio.gather(*(talk.client.close() for talk in talks))

    async def _choose(self, talk: Talk) -> None:
        await talk.begin(seconds=JOIN_SECONDS)
        tabs = [talk.client, *(talk.client.tab() for _ in range(TABS - 1))]
        for number in range(1, OFFERS + 1):
            await self.desk.does(talk.id, "rich", kind="choices")
            await talk.client.until(
                lambda wanted=number: len(talk.client.offers) == wanted, seconds=SETTLE_SECONDS
            )
            await self._take(talk, tabs)
        await asyncio.gather(*(tab.close() for tab in tabs[1:]))

    async def _take(self, talk: Talk, tabs: list[WidgetClient]) -> None:
        """Take an offer in every tab, each something else, while one tab loses its socket."""
        offer, before = talk.client.offers[-1], await self._count(talk.id)
        replies = offer["response_suggestions"]
        await asyncio.gather(
            *(tab.take(offer["message_id"], self.rng.choice(replies), copies=2) for tab in tabs),
            self.rng.choice(tabs).cut(),
        )
        answers = await self._answers(talk.id, before) - before
        self.answered.offers += 1
        self.answered.missing += answers == 0
        self.answered.repeated += max(0, answers - 1)

    async def _answers(self, conversation_id: str, before: int) -> int:
        """Return how many structured answers have come, when no more are to be expected."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while (found := await self._count(conversation_id)) == before:
            if asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.1)
        await asyncio.sleep(SECOND_SECONDS)
        return await self._count(conversation_id)

    async def _count(self, conversation_id: str) -> int:
        rows: list[dict[str, Any]] = await self.desk.conversations()
        [row] = [row for row in rows if str(row["id"]) == conversation_id]
        return sum(1 for line in row["messages"] if line.get("answer"))
