"""What goes wrong: each fault is a coroutine that breaks something and mends it again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import psycopg

from tests.chaos.choices import Answered, Table
from tests.chaos.crossing import Crossed, Ring
from tests.chaos.talk import Talk
from tests.chaos.vendors import CHOICES, STREAMS, TOKENS, WEBHOOKS, ChaosVendor
from tests.journeys.stack import Stack
from tests.load.desk import AsyncDesk
from tests.load.ways import POLL, SOCKET, STREAM
from tests.postgres import PostgresServer

SOCKETS_PER_SESSION = 10  # the first one is the end user's own
TALKS_WITH_TABS = 2
RELOADED_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a fault may break while people talk for so many `seconds`."""

    stack: Stack
    postgres: PostgresServer
    desk: AsyncDesk
    talks: list[Talk]
    vendor: ChaosVendor
    rng: random.Random
    seconds: float
    # How long a fault has to last that means nothing when it is over at once; 0 in a short run.
    whole_seconds: float = 0.0
    crossed: Crossed = field(default_factory=Crossed)
    answered: Answered = field(default_factory=Answered)

    @property
    def long_seconds(self) -> float:
        """Return how long such a fault lasts: most of the stretch, or its whole time."""
        return self.whole_seconds or self.seconds * 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table; `is_quick` rows are in the short run as well.

    `needs` names what a vendor must have for it: streams, tokens, webhooks, choices. With
    `may_repeat` a message may be sent while nobody is left who knows of it, so a vendor's
    documented repeat is possible; with `hides_answers` it is so at a vendor where nothing tells
    what has arrived. With `may_reorder` the vendor itself sends webhooks so that they overtake
    each other; a stream's order must be kept even then. `whole_seconds` is how long it lasts in a
    long run.
    """

    name: str
    strike: Callable[[World], Awaitable[None]]
    is_quick: bool = False
    needs: str = ""
    may_repeat: bool = False
    hides_answers: bool = False
    may_reorder: bool = False
    whole_seconds: float = 0.0


async def _kill(world: World, name: str, number: signal.Signals) -> None:
    await asyncio.to_thread(world.stack.kill, name, number)
    await asyncio.sleep(min(3.0, world.seconds / 3))
    await asyncio.to_thread(world.stack.start, name)


def killing(name: str, number: signal.Signals) -> Callable[[World], Awaitable[None]]:
    """Kill a process, wait a little, start it again."""

    async def strike(world: World) -> None:
        await _kill(world, name, number)

    return strike


async def freeze_relay(world: World) -> None:
    """Stop a relay worker as a hanging machine would, and let it wake up again."""
    world.stack.pause("relay1")
    await asyncio.sleep(world.long_seconds)
    world.stack.resume("relay1")


async def redis_restart(world: World) -> None:
    """Kill Redis and start it empty."""
    world.stack.redis.kill()
    await asyncio.sleep(min(2.0, world.seconds / 4))
    await asyncio.to_thread(world.stack.redis.start)


async def redis_slow(world: World) -> None:
    """Let Redis stutter: a fifth of a second asleep, a tenth awake."""
    pid = world.stack.redis.pid
    assert pid is not None
    await _stutter(world, pid)


async def _stutter(world: World, pid: int) -> None:

    for _ in range(int(world.seconds / 0.3)):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.1)


async def postgres_restart(world: World) -> None:
    """Restart PostgreSQL in the fast mode, which cuts every connection."""
    await asyncio.to_thread(world.postgres.restart)


async def postgres_slow(world: World) -> None:
    """Hold the journal for a third of a second, again and again."""
    await asyncio.to_thread(_hold_journal, world)


def _hold_journal(world: World) -> None:
    with psycopg.connect(world.stack.database_url, autocommit=True) as connection:
        for _ in range(int(world.seconds / 0.5)):
            with connection.transaction():
                connection.execute("LOCK TABLE conversations_event IN ACCESS EXCLUSIVE MODE")
                connection.execute("SELECT pg_sleep(0.3)")
            connection.execute("SELECT pg_sleep(0.2)")


def vendor(kind: str, *, times: int = 1, **details: object) -> Callable[[World], Awaitable[None]]:
    """Use the simulator's own fault switch, several times over the stretch.

    Fewer times on a busy machine: an event that was held back comes with the one after it, so
    people must go on talking when the last fault was planned.
    """

    async def strike(world: World) -> None:
        most = world.seconds * 0.6
        until = time.monotonic() + most
        for _ in range(times):
            await world.desk.fault(kind, **details)
            await asyncio.sleep(most / times)
            if time.monotonic() >= until:
                break

    return strike


async def vendor_slow(world: World) -> None:
    """Answer slowly for a while."""
    await world.desk.fault("latency", ms=400)
    await asyncio.sleep(world.seconds * 0.6)
    await world.desk.fault("latency", ms=0)


async def outage(world: World) -> None:
    """Refuse everything and drop every stream for a while."""
    await world.desk.fault("fail_next", status=503, count=100_000, path_prefix="/")
    await world.desk.fault("drop_streams")
    await asyncio.sleep(world.long_seconds)
    await world.desk.fault("clear")


async def webhooks_late(world: World) -> None:
    """Deliver webhooks two seconds late for a while."""
    await world.desk.fault(**world.vendor.webhooks_late(2.0))
    await asyncio.sleep(world.seconds * 0.6)
    await world.desk.fault(**world.vendor.webhooks_late(0.0))


async def web_hangs(world: World) -> None:
    """Let the portal take connections and answer nothing while webhooks come."""
    world.stack.pause("web")
    await asyncio.sleep(min(4.0, world.seconds * 0.6))
    world.stack.resume("web")


async def cut_sockets(world: World) -> None:
    """Cut sockets at random."""
    for _ in range(int(world.seconds * 2)):
        await world.rng.choice(world.talks).client.cut()
        await asyncio.sleep(0.3)


async def reload_pages(world: World) -> None:
    """Reload every page once."""
    for talk in world.talks:
        await talk.client.reload()
        await asyncio.sleep(world.seconds * 0.5 / len(world.talks))


async def freeze_tabs(world: World) -> None:
    """Stop reading for longer than the channel layer would keep anything."""
    for talk in world.talks:
        talk.client.is_reading = False
    await asyncio.sleep(world.long_seconds)
    for talk in world.talks:
        talk.client.is_reading = True


async def ten_tabs(world: World) -> None:
    """Open the most tabs a session may have, and cut and reload them at random."""
    number = min(TALKS_WITH_TABS, len(world.talks))
    people = world.rng.sample(world.talks, number) * (SOCKETS_PER_SESSION - 1)
    await asyncio.gather(*(_another_tab(talk, world) for talk in people))


async def _another_tab(talk: Talk, world: World) -> None:
    until = time.monotonic() + world.seconds * 0.9
    await asyncio.sleep(world.seconds * world.rng.uniform(0, 0.2))
    talk.tabs.append(tab := talk.client.tab())
    while time.monotonic() < until:
        await asyncio.sleep(world.seconds * world.rng.uniform(0.05, 0.3))
        # A cut socket goes on where it was; a page that is opened again begins at the beginning.
        await (tab.reload() if world.rng.random() < RELOADED_SHARE else tab.cut())


async def resend_frames(world: World) -> None:
    """Send each frame three times."""
    for talk in world.talks:
        talk.resend_copies = 3
    await asyncio.sleep(world.seconds * 0.8)
    for talk in world.talks:
        talk.resend_copies = 1


async def no_websockets(world: World) -> None:
    """Let no WebSocket through: half of the people stream, half poll; both are cut at random."""
    for number, talk in enumerate(world.talks):
        talk.client.way = (STREAM, POLL)[number % 2]
        await talk.client.cut()
    for _ in range(int(world.seconds)):
        await asyncio.sleep(0.6)
        await world.rng.choice(world.talks).client.cut()
    for talk in world.talks:
        talk.client.way = SOCKET
        await talk.client.cut()


async def no_websockets_and_web_ends(world: World) -> None:
    """Do the same, and end the web process while streams and polls are open."""
    await asyncio.gather(no_websockets(world), _kill(world, "web", signal.SIGTERM))


KILL, TERM = signal.SIGKILL, signal.SIGTERM


async def ends_cross(world: World) -> None:
    """Let live agents end while their end users write, in conversations of their own."""
    ring = Ring(
        stack=world.stack,
        vendor=world.vendor,
        desk=world.desk,
        http=world.talks[0].client.http,
        rng=world.rng,
        others=frozenset(talk.id for talk in world.talks),
        crossed=world.crossed,
    )
    await ring.cross_all()


async def choices_twice(world: World) -> None:
    """Let end users take the same offer in several tabs, in conversations of their own."""
    table = Table(
        stack=world.stack,
        vendor=world.vendor,
        desk=world.desk,
        http=world.talks[0].client.http,
        rng=world.rng,
        answered=world.answered,
    )
    await table.offer_all()


async def reconnects_refused(world: World) -> None:
    """Drop the streams, and forbid the next tries to open them again."""
    for _ in range(3):
        await world.desk.fault("fail_next", status=403, count=3, **world.vendor.reconnect)
        await world.desk.fault("drop_streams")
        await asyncio.sleep(world.seconds * 0.2)
    # What was not used up would hit a later row.
    await world.desk.fault("clear")


FAULTS = (
    Fault(
        name="kill -9 relay worker", strike=killing("relay1", KILL), is_quick=True, may_repeat=True
    ),
    Fault(name="SIGTERM relay worker", strike=killing("relay2", TERM)),
    Fault(
        name="SIGSTOP relay worker, then SIGCONT",
        strike=freeze_relay,
        is_quick=True,
        may_repeat=True,
        whole_seconds=30.0,
    ),
    Fault(name="kill -9 web", strike=killing("web", KILL), is_quick=True),
    Fault(name="SIGTERM web", strike=killing("web", TERM)),
    Fault(name="kill -9 beat", strike=killing("beat", KILL)),
    Fault(name="kill -9 worker", strike=killing("worker", KILL)),
    Fault(name="Redis killed, empty again", strike=redis_restart, is_quick=True),
    Fault(name="Redis stutters", strike=redis_slow),
    Fault(name="PostgreSQL restarted", strike=postgres_restart, is_quick=True),
    Fault(name="PostgreSQL held", strike=postgres_slow),
    Fault(
        name="vendor: burst of 503",
        strike=vendor("fail_next", times=3, status=503, count=15, path_prefix="/"),
    ),
    Fault(
        name="vendor: 429 with Retry-After",
        strike=vendor("fail_next", times=2, status=429, count=8, path_prefix="/", retry_after=1),
    ),
    Fault(
        name="vendor: taken, then timed out",
        strike=vendor(
            "fail_next", times=4, status=504, count=3, path_prefix="/", after_accept=True
        ),
        is_quick=True,
        hides_answers=True,
    ),
    Fault(
        name="vendor: streams dropped",
        strike=vendor("drop_streams", times=4),
        is_quick=True,
        needs=STREAMS,
    ),
    Fault(name="vendor: reconnect refused", strike=reconnects_refused, needs=STREAMS),
    Fault(name="vendor: streams silent", strike=vendor("stall_streams", seconds=5), needs=STREAMS),
    Fault(
        name="vendor: tokens expired", strike=vendor("expire_tokens"), is_quick=True, needs=TOKENS
    ),
    Fault(name="vendor: events doubled", strike=vendor("duplicate_next", times=12)),
    Fault(
        name="vendor: events swapped", strike=vendor("swap_next_two", times=12), may_reorder=True
    ),
    Fault(name="vendor: events replayed", strike=vendor("replay_oldest", times=4), is_quick=True),
    Fault(name="vendor: unknown events", strike=vendor("unknown_event", times=6)),
    Fault(name="vendor: malformed events", strike=vendor("malformed_event", times=6)),
    Fault(name="vendor: slow answers", strike=vendor_slow),
    Fault(name="vendor: outage", strike=outage, whole_seconds=120.0),
    Fault(name="webhooks: late", strike=webhooks_late, is_quick=True, needs=WEBHOOKS),
    Fault(name="webhooks: portal hangs", strike=web_hangs, is_quick=True, needs=WEBHOOKS),
    Fault(name="widget: sockets cut", strike=cut_sockets, is_quick=True),
    Fault(name="widget: pages reloaded", strike=reload_pages),
    Fault(name="widget: ten tabs", strike=ten_tabs),
    Fault(name="widget: frozen", strike=freeze_tabs, whole_seconds=70.0),
    Fault(name="widget: frames sent thrice", strike=resend_frames, is_quick=True),
    Fault(name="widget: no WebSockets", strike=no_websockets, is_quick=True),
    Fault(name="widget: no WebSockets, SIGTERM web", strike=no_websockets_and_web_ends),
    Fault(name="End crosses a line", strike=ends_cross, is_quick=True),
    Fault(name="rich choice answered twice", strike=choices_twice, is_quick=True, needs=CHOICES),
)


async def mixed(world: World) -> None:
    """Several at once, drawn by the seed; what must not be broken twice at a time is not."""
    known = faults_for(world.vendor)
    alone = [fault for fault in known if fault.name.startswith(("vendor", "widget"))]
    kills = [fault for fault in known if fault.name.startswith(("kill", "SIG", "Redis k"))]
    drawn = [*world.rng.sample(alone, 3), world.rng.choice(kills)]
    await asyncio.gather(*(fault.strike(world) for fault in drawn))


MIXED = Fault(name="mixed", strike=mixed, is_quick=True, may_repeat=True, may_reorder=True)


def faults_for(vendor: ChaosVendor) -> list[Fault]:
    """Return the faults that make sense for a vendor."""
    return [fault for fault in FAULTS if not fault.needs or fault.needs in vendor.has]
