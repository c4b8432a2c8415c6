"""One conversation under load: both sides count aloud, and everything said is accounted for."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace

from tests.load.desk import AsyncDesk
from tests.load.widget import WidgetClient


@dataclass
class Account:
    """What became of the messages of one stretch of time, in one direction."""

    sent: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    not_delivered: int = 0
    repeats_lost: list[str] = field(default_factory=list)

    def add(self, other: Account) -> None:
        """Sum up."""
        self.sent += other.sent
        self.lost += other.lost
        self.doubled += other.doubled
        self.out_of_order += other.out_of_order
        self.not_delivered += other.not_delivered
        self.repeats_lost += other.repeats_lost


class Talk:
    """An end user and a live agent who keep numbering their messages."""

    def __init__(self, client: WidgetClient, desk: AsyncDesk, *, phrase: str) -> None:
        self.client, self._desk, self._phrase = client, desk, phrase
        self.id = ""
        self.tag = uuid.uuid4().hex[:8]
        self.from_user: dict[str, float] = {}
        self.from_agent: dict[str, float] = {}
        self.resend_copies = 1
        # Further tabs of the same end user, judged as the first one is.
        self.tabs: list[WidgetClient] = []

    async def begin(self, *, seconds: float = 30) -> None:
        """Reach a live agent, who is to be seen within so many seconds."""
        await self.client.open()
        await self.client.send(f"marker {self.tag}")
        await self.client.until(lambda: self.client.types.count("POLY_AGENT_MESSAGE") >= 2)
        await self.client.send(self._phrase)
        self.id = await self._desk.find(self.tag, seconds=seconds)
        await self._desk.does(self.id, "accept", agent_name=f"Agent {self.tag}")
        await self.client.until(lambda: "LIVE_AGENT_JOINED" in self.client.types, seconds=seconds)

    async def count(self, rate: float, until: float) -> None:
        """Let both sides say numbered messages at a steady rate until a moment."""
        while time.monotonic() < until:
            started = time.monotonic()
            await self._say_once()
            await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - started)))

    async def _say_once(self) -> None:
        text = f"u-{self.tag}-{len(self.from_user)}"
        self.from_user[text] = time.monotonic()
        await self.client.send(text, copies=self.resend_copies)
        text = f"a-{self.tag}-{len(self.from_agent)}"
        self.from_agent[text] = time.monotonic()
        await self._desk.does(self.id, "say", text=text)

    def missing(self, at_desk: list[str]) -> int:
        """Return how many messages have not arrived yet."""
        there = set(at_desk) | set(self.client.not_delivered)
        unseen = [self.from_agent.keys() - set(_shown(one)) for one in (self.client, *self.tabs)]
        return sum(map(len, unseen)) + len(self.from_user.keys() - there)

    def gaps(self, since: float) -> list[float]:
        """Return how long each live agent message since a moment was on its way."""
        return [
            message.at - self.from_agent[message.text]
            for message in self.client.received
            if self.from_agent.get(message.text, 0) >= since
        ]

    def first_after(self, moment: float) -> float | None:
        """Return seconds from a moment to the arrival of the first message said after it."""
        arrivals = [
            message.at
            for message in self.client.received
            if self.from_agent.get(message.text, 0) >= moment
        ]
        return min(arrivals) - moment if arrivals else None

    def account_user(self, since: float, at_desk: list[str]) -> Account:
        """Judge what the end user said since a moment."""
        said = [text for text, at in self.from_user.items() if at >= since]
        account = _judge(said, [text for text in at_desk if text in self.from_user])
        shown = set(self.client.not_delivered)
        account.not_delivered = len(shown & set(said))
        account.repeats_lost = [text for text in account.repeats_lost if text not in shown]
        account.lost = len(account.repeats_lost)
        return account

    def account_agent(self, since: float) -> Account:
        """Judge what the live agent said since a moment, in every tab; it was sent once."""
        said = [text for text, at in self.from_agent.items() if at >= since]
        account = _judge(said, _shown(self.client))
        for tab in self.tabs:
            account.add(replace(_judge(said, _shown(tab)), sent=0))
        return account

    async def close_tabs(self) -> None:
        """Leave the first tab only."""
        await asyncio.gather(*(tab.close() for tab in self.tabs))
        self.tabs.clear()


def _shown(client: WidgetClient) -> list[str]:
    return [message.text for message in client.received]


def _judge(said: list[str], arrived: list[str]) -> Account:
    wanted = set(said)
    counts = Counter(text for text in arrived if text in wanted)
    firsts = list(dict.fromkeys(text for text in arrived if text in wanted))
    numbers = [int(text.rsplit("-", 1)[1]) for text in firsts]
    return Account(
        sent=len(said),
        lost=len(wanted - counts.keys()),
        doubled=sum(count - 1 for count in counts.values()),
        out_of_order=sum(1 for a, b in itertools.pairwise(numbers) if b < a),
        repeats_lost=sorted(wanted - counts.keys()),
    )
