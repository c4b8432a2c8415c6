"""What breaks a thread of text messages: phones and live agents talk while it happens.

    python -m tests.chaos.texts [--seconds 20] [--down 120] [--phones 4] [--row NAME ...]

Every text is numbered and accounted for, both ways: on the phone, and at the vendor's desk. Exit
status 0 means: nothing lost and nothing doubled in any row. Texts that the carrier itself brings in
another order are counted, for no call says which came first.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from config.demo.environment import demo_environment_load
from tests.journeys.people import PHRASE, UTTERANCE, Desk
from tests.journeys.phones import Phone
from tests.journeys.stack import Stack
from tests.migrated import MigratedPostgresServer
from tests.postgres import database_migrated
from tests.waiting import eventually

SETTLE_SECONDS = 90.0
PAUSE_SECONDS = 0.5
_NUMBERED = re.compile(r"^(?:in|out) \S+ (\d+)$")


@dataclass
class Account:
    """One direction of one thread: what was sent, and what stands on the other side."""

    sent: int = 0
    arrived: list[int] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return len(set(range(self.sent)) - set(self.arrived))

    @property
    def doubled(self) -> int:
        return sum(count - 1 for count in Counter(self.arrived).values())

    @property
    def out_of_order(self) -> int:
        firsts = list(dict.fromkeys(self.arrived))
        return sum(1 for one, after in pairwise(firsts) if after < one)


class Thread:
    """A phone whose owner talks to a live agent."""

    def __init__(self, stack: Stack) -> None:
        self.phone, self.desk = Phone(stack), Desk(stack.simulator_url)
        marker = f"Order {self.phone.number[-7:]}"
        self.phone.texts(marker)
        self.phone.reads("How can I help you today?")
        self.phone.texts(PHRASE)
        self.phone.reads(UTTERANCE)
        (row,) = eventually(lambda: self.desk.holding(marker))
        self.chat = str(row["id"])
        self.desk.does(self.chat, "accept", agent_name="Noor")
        self.phone.reads("joined the conversation.")
        self.row, self.incoming, self.outgoing = "", Account(), Account()

    def begin(self, row: str) -> None:
        """Count anew."""
        self.row, self.incoming, self.outgoing = row, Account(), Account()

    def say(self) -> None:
        """Say one numbered thing each way."""
        self.phone.texts(f"in {self.row} {self.incoming.sent}")
        self.incoming.sent += 1
        self.desk.does(self.chat, "say", text=f"out {self.row} {self.outgoing.sent}")
        self.outgoing.sent += 1

    def look(self) -> bool:
        """Read both sides; True once everything has arrived."""
        self.incoming.arrived = self._numbers("in", self.desk.said_by_end_user(self.chat))
        self.outgoing.arrived = self._numbers("out", self.phone.received())
        return not (self.incoming.lost or self.outgoing.lost)

    def _numbers(self, way: str, texts: list[str]) -> list[int]:
        mine = (text for text in texts if text.startswith(f"{way} {self.row} "))
        return [int(found[1]) for text in mine if (found := _NUMBERED.match(text))]


Break = Callable[[Stack, list[Thread], argparse.Namespace], None]


def _each(stack: Stack, threads: list[Thread], kind: str, **fields: object) -> None:
    for _ in threads:
        threads[0].phone.fault(kind, **fields)


def _worker_killed(stack: Stack, threads: list[Thread], asked: argparse.Namespace) -> None:
    stack.kill("worker")
    time.sleep(1)
    stack.start("worker")


def _web_killed(stack: Stack, threads: list[Thread], asked: argparse.Namespace) -> None:
    stack.kill("web")
    stack.start("web")


ROWS: dict[str, Break] = {
    "nothing": lambda stack, threads, asked: None,
    "webhook-repeated": lambda s, t, a: _each(s, t, "duplicate_call", label="inbound"),
    "report-repeated": lambda s, t, a: _each(s, t, "duplicate_call", label="status"),
    "webhook-late": lambda s, t, a: _each(s, t[:1], "delay_calls", ms=3000),
    "webhook-out-of-order": lambda s, t, a: _each(s, t, "swap_calls", label="inbound"),
    "report-out-of-order": lambda s, t, a: _each(s, t, "swap_calls", label="status"),
    "carrier-down": lambda s, t, a: _each(s, t[:1], "carrier_down", seconds=a.down),
    "answer-lost": lambda s, t, a: _each(
        *(s, t, "fail_next"), status=500, after_accept=True, method="POST"
    ),
    "worker-killed": _worker_killed,
    "web-killed": _web_killed,
}


def run_row(name: str, stack: Stack, threads: list[Thread], asked: argparse.Namespace) -> bool:
    """Talk, break one thing in the middle, wait for everything to arrive, and print the count."""
    for thread in threads:
        thread.begin(name)
    until = time.monotonic() + asked.seconds

    def talk(thread: Thread) -> None:
        while time.monotonic() < until:
            thread.say()
            time.sleep(PAUSE_SECONDS)

    with ThreadPoolExecutor(max_workers=len(threads)) as pool:
        talking = [pool.submit(talk, thread) for thread in threads]
        time.sleep(asked.seconds / 4)
        # Here, and not in the pool: what a thread has started dies with it.
        ROWS[name](stack, threads, asked)
        for one in talking:
            one.result()
    if name == "webhook-late":
        threads[0].phone.fault("delay_calls", ms=0)
    patience = time.monotonic() + SETTLE_SECONDS + (asked.down if name == "carrier-down" else 0)
    while not all(thread.look() for thread in threads) and time.monotonic() < patience:
        time.sleep(0.5)
    time.sleep(2)  # a double comes later than the first
    for thread in threads:
        thread.look()
    return _printed(name, [one for t in threads for one in (t.incoming, t.outgoing)])


def _printed(name: str, accounts: list[Account]) -> bool:
    counted = [sum(getattr(one, of) for one in accounts) for of in ("sent", "lost", "doubled")]
    disorder = sum(one.out_of_order for one in accounts)
    has_passed = not (counted[1] or counted[2])
    cells = [f"{name:<22}", *(f"{one:>7}" for one in (*counted, disorder))]
    print(" ".join(cells), "ok" if has_passed else "FAILED", flush=True)
    return has_passed


def main() -> int:
    """Start everything, run the rows that are asked for, and stop everything."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="baton-texts-") as name:
        directory = Path(name)
        os.environ["BATON_VAR_DIR"] = str(directory / "stack")
        demo_environment_load()
        with MigratedPostgresServer(directory / "postgres") as postgres:
            url = database_migrated(postgres.url, "texts")
            stack = Stack(directory / "stack", database_url=url)
            try:
                stack.start_all()
                return _rows(stack, asked)
            finally:
                stack.stop_all()


def _rows(stack: Stack, asked: argparse.Namespace) -> int:
    threads = [Thread(stack) for _ in range(asked.phones)]
    print(f"{'row':<22} {'sent':>7} {'lost':>7} {'doubled':>7} {'disorder':>8}", flush=True)
    rows = asked.row or list(ROWS)
    passed = [run_row(name, stack, threads, asked) for name in rows]
    return 0 if all(passed) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break threads of text messages.")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--down", type=float, default=120, help="how long the carrier is away")
    parser.add_argument("--phones", type=int, default=4)
    parser.add_argument("--row", choices=list(ROWS), nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
