"""make chaos: break everything in turn while people talk, and account for every message.

    python -m tests.chaos [--vendor KEY] [--seconds 600] [--conversations 12] [--rate 2] [--seed N]
                          [--fault NAME] [--list]

Exit status 0 means: nothing lost, nothing doubled, nothing out of order, in every row; but for what
a vendor's documentation says of that fault, which the row counts and a note explains. Where live
agents' ends cross lines: no ghost at the vendor, no line without a fate, nothing after SESSION_END.
Where an offer is taken in several tabs: one structured answer at the vendor, no more and no less.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from config.demo.environment import demo_environment_load
from tests.chaos.choices import Answered
from tests.chaos.crossing import Crossed
from tests.chaos.faults import MIXED, Fault, World, faults_for
from tests.chaos.talk import Account, Talk
from tests.chaos.vendors import PLAIN, VENDORS, ChaosVendor
from tests.journeys.stack import Stack
from tests.load.desk import AsyncDesk
from tests.migrated import MigratedPostgresServer
from tests.postgres import PostgresServer, database_migrated

SETTLE_SECONDS = 90.0
QUICK_SECONDS = 120
# From this length on a freeze and an outage last as long as they do in earnest; people go on
# talking for a while when they are over.
LONG_SECONDS = 600
AFTER_SECONDS = 8.0
# The rest of the time is for what is still on its way.
TALKING_SHARE = 0.6
# People who talk at two messages a second through an outage of two minutes are more than one end
# user may have waiting; what is refused then is told, and is not what is looked for here.
LIMITS = {
    "ACCESS_TOKENS_PER_MINUTE": "100000",
    "SESSIONS_PER_MINUTE": "100000",
    "HANDSHAKES_PER_MINUTE": "100000",
    "JOURNAL_BYTES_PER_MINUTE": "1000000000",
    "LIVE_AGENT_MESSAGES_WAITING": "2000",
}


@dataclass
class Row:
    """One line of the table."""

    name: str
    # What is documented of this fault at this vendor: messages to it may come twice, messages from
    # it in another order.
    repeat_note: str = ""
    reorder_note: str = ""
    user: Account = field(default_factory=Account)
    agent: Account = field(default_factory=Account)
    resumed: list[float] = field(default_factory=list)
    longest: float = 0.0
    crossed: Crossed = field(default_factory=Crossed)
    answered: Answered = field(default_factory=Answered)

    @property
    def has_passed(self) -> bool:
        """Zero lost, doubled and out of order, both ways, but for what is documented; no ghosts."""
        is_doubled = self.agent.doubled or (self.user.doubled and not self.repeat_note)
        is_disordered = self.user.out_of_order or (
            self.agent.out_of_order and not self.reorder_note
        )
        is_lost = self.user.lost or self.agent.lost
        is_whole = not (is_doubled or is_disordered or is_lost)
        return is_whole and self.crossed.is_clean and self.answered.is_clean

    @property
    def notes(self) -> list[str]:
        """Explain what is not zero and has passed all the same."""
        repeated = f"doubled to the vendor: {self.repeat_note}"
        reordered = f"disorder to the widget: {self.reorder_note}"
        notes = [repeated] if self.user.doubled else []
        return [*notes, reordered] if self.agent.out_of_order else notes

    @property
    def verdict(self) -> str:
        """Say how the row ended."""
        if not self.has_passed:
            return "FAILED"
        return "ok, see note" if self.notes else "ok"

    def cells(self) -> list[str]:
        """Return the line's cells."""
        both = (self.user, self.agent)
        middle = statistics.median(self.resumed) if self.resumed else 0.0
        return [
            self.name,
            str(self.user.sent),
            str(self.agent.sent),
            str(sum(a.lost for a in both)),
            str(sum(a.doubled for a in both)),
            str(sum(a.out_of_order for a in both)),
            str(self.user.not_delivered),
            str(self.crossed.ends),
            str(self.crossed.ghosts),
            str(self.crossed.without_fate),
            str(self.crossed.after_end),
            str(self.answered.offers),
            str(self.answered.missing),
            str(self.answered.repeated),
            f"{middle:.2f}",
            f"{max(self.resumed, default=0.0):.2f}",
            f"{self.longest:.2f}",
            self.verdict,
        ]


HEAD = ["fault", "to vendor", "to widget", "lost", "doubled", "disorder", "not delivered"]
HEAD += ["ends crossed", "ghosts", "no fate", "after end"]
HEAD += ["offers", "unanswered", "answered twice"]
HEAD += ["resumed p50 s", "resumed max s", "longest gap s", ""]


async def run(options: argparse.Namespace, directory: Path) -> bool:
    """Start everything, strike fault after fault, print the table; True when all rows pass."""
    vendor = VENDORS[options.vendor]
    faults = chosen(options, vendor)
    os.environ["BATON_VAR_DIR"] = str(directory / "stack")
    demo_environment_load()
    with MigratedPostgresServer(directory / "postgres") as postgres:
        url = database_migrated(postgres.url, "chaos")
        stack = Stack(directory / "stack", database_url=url, **LIMITS)
        await asyncio.to_thread(stack.start_all)
        try:
            # The desk closes idle connections when it likes: a fresh one for each call.
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            async with aiohttp.ClientSession(connector=connector) as http:
                return await _strike_all(options, vendor, faults, stack, postgres, http)
        finally:
            await asyncio.to_thread(stack.stop_all)


def chosen(options: argparse.Namespace, vendor: ChaosVendor) -> list[Fault]:
    """Return the faults of this run: one by name, the quick ones, or all, then the mixture."""
    known = [*faults_for(vendor), MIXED]
    if options.fault:
        return [fault for fault in known if options.fault in fault.name]
    is_quick = options.seconds <= QUICK_SECONDS
    return [fault for fault in known if fault.is_quick or not is_quick]


async def _strike_all(
    options: argparse.Namespace,
    vendor: ChaosVendor,
    faults: list[Fault],
    stack: Stack,
    postgres: PostgresServer,
    http: aiohttp.ClientSession,
) -> bool:
    desk = AsyncDesk(http, stack.simulator_urls[vendor.key])
    await desk.config(**vendor.config)
    rng = random.Random(options.seed)
    whole = whole_seconds(faults, options.seconds)
    taken = sum(seconds + AFTER_SECONDS for seconds in whole.values())
    share = (options.seconds - taken) / max(1, len(faults) - len(whole))
    stretch = max(3.0, share * TALKING_SHARE)
    rows = []
    async with talks(options.conversations, vendor, stack, desk, http) as people:
        for fault in faults:
            world = World(
                stack=stack,
                postgres=postgres,
                desk=desk,
                talks=people,
                vendor=vendor,
                rng=rng,
                seconds=whole[fault.name] + AFTER_SECONDS if fault.name in whole else stretch,
                whole_seconds=whole.get(fault.name, 0.0),
            )
            rows.append(await strike(fault, world, options.rate))
            print("  ".join(rows[-1].cells()), flush=True)
    print_table(rows)
    return all(row.has_passed for row in rows)


def whole_seconds(faults: list[Fault], seconds: float) -> dict[str, float]:
    """Return by name which faults last their whole time in a run of so many seconds."""
    if seconds < LONG_SECONDS:
        return {}
    return {fault.name: fault.whole_seconds for fault in faults if fault.whole_seconds}


@asynccontextmanager
async def talks(
    number: int, vendor: ChaosVendor, stack: Stack, desk: AsyncDesk, http: aiohttp.ClientSession
) -> AsyncIterator[list[Talk]]:
    """Open the conversations and see to it that each has a live agent."""
    phrase = stack.demo["simulators"][vendor.key]["phrase"]
    clients = vendor.clients(stack, http, number)
    people = [Talk(client, desk, phrase=phrase) for client in clients]
    for talk in people:
        await talk.begin()
    try:
        yield people
    finally:
        await asyncio.gather(*(talk.client.close() for talk in people))


async def strike(fault: Fault, world: World, rate: float) -> Row:
    """Break one thing while everybody talks, wait until all has arrived, and judge."""
    since = time.monotonic()
    until = since + world.seconds
    await asyncio.gather(fault.strike(world), *(talk.count(rate, until) for talk in world.talks))
    at_desk = await _settle(world)
    may_repeat = fault.may_repeat or (fault.hides_answers and world.vendor.is_blind)
    row = Row(
        fault.name,
        repeat_note=world.vendor.repeat_note if may_repeat else "",
        reorder_note=world.vendor.reorder_note if fault.may_reorder else "",
        crossed=world.crossed,
        answered=world.answered,
    )
    for talk in world.talks:
        row.user.add(talk.account_user(since, at_desk[talk.id]))
        row.agent.add(talk.account_agent(since))
        row.longest = max([row.longest, *talk.gaps(since)])
        first = talk.first_after(since)
        row.resumed += [first] if first is not None else []
        await talk.close_tabs()
    for name in (*row.user.repeats_lost, *row.agent.repeats_lost)[:5]:
        print(f"    lost: {name}")
    return row


async def _settle(world: World) -> dict[str, list[str]]:
    """Wait until everything that was said has arrived, or nothing more does.

    What comes late is in the last columns; lost is what does not come.
    """
    fewest, deadline = sys.maxsize, 0.0
    while True:
        at_desk = await world.desk.said_by_end_user()
        missing = sum(talk.missing(at_desk.get(talk.id, [])) for talk in world.talks)
        if missing < fewest:
            fewest, deadline = missing, time.monotonic() + SETTLE_SECONDS
        if not missing or time.monotonic() > deadline:
            return at_desk
        await asyncio.sleep(0.25)


def print_table(rows: list[Row]) -> None:
    """Print the rows under their heads, aligned."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    print()
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        print("  ".join([first, *rest]))
    for note in dict.fromkeys(note for row in rows if row.has_passed for note in row.notes):
        print(f"note: {note}")


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--vendor", default=PLAIN, choices=sorted(VENDORS))
    parser.add_argument("--seconds", type=float, default=600, help="of the whole run (600)")
    parser.add_argument("--conversations", type=int, default=12)
    parser.add_argument("--rate", type=float, default=2.0, help="messages per second each way")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--fault", default="", help="only rows whose name holds this")
    parser.add_argument("--list", action="store_true", help="name the vendors, and break nothing")
    options = parser.parse_args()
    if options.list:
        print(*sorted(VENDORS))
        return 0
    print(f"seed {options.seed}: repeat with --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="baton-chaos-") as directory:
        has_passed = asyncio.run(run(options, Path(directory)))
    print("passed" if has_passed else "FAILED")
    return 0 if has_passed else 1


if __name__ == "__main__":
    sys.exit(main())
