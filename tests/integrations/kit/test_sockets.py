"""What connectors with a socket share: replies by id, listeners, and a connection for many."""

from __future__ import annotations

import asyncio

import pytest

from integrations.kit.sockets.audience import Audience
from integrations.kit.sockets.replies import Replies
from integrations.kit.sockets.shared import Shared

SOON = 5.0


async def nothing() -> None:
    """Send a request that somebody will answer."""


class Line:
    """A connection that counts how often it was closed."""

    def __init__(self) -> None:
        self.is_alive, self.closed = True, 0

    async def close(self) -> None:
        self.is_alive, self.closed = False, self.closed + 1


class Exchange:
    """Opens lines and remembers them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def connect(self) -> Line:
        self.lines.append(Line())
        return self.lines[-1]


async def test_replies_reach_who_asked_whatever_their_order():
    replies: Replies[str] = Replies(SOON)
    asked = [asyncio.create_task(replies.to(name, nothing())) for name in ("a", "b")]
    await asyncio.sleep(0)

    assert replies.answer("b", "for b")
    assert replies.answer("a", "for a")

    assert await asyncio.gather(*asked) == ["for a", "for b"]
    assert not replies.answer("a", "again")


async def test_a_refusal_is_raised_at_who_asked_alone_and_the_end_at_everybody():
    replies: Replies[str] = Replies(SOON)
    asked = [asyncio.create_task(replies.to(name, nothing())) for name in ("a", "b")]
    await asyncio.sleep(0)

    assert replies.refuse("a", ValueError("no"))
    replies.end(ConnectionError("over"))

    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in told] == [ValueError, ConnectionError]


async def test_a_reply_that_does_not_come_is_waited_for_no_longer_than_said():
    replies: Replies[str] = Replies(0.01)

    with pytest.raises(TimeoutError):
        await replies.to("a", nothing())

    assert not replies.answer("a", "late")


async def test_the_first_listener_hears_what_came_early_and_all_hear_the_rest_and_the_end():
    audience: Audience[str] = Audience(early=2)
    for item in ("one", "two", "three"):
        audience.tell(item)
    async with audience.listening() as first, audience.listening() as second:
        audience.tell("four")
        audience.end(ConnectionError("over"))
        heard = [await first(SOON) for _ in range(3)]

        assert heard == ["two", "three", "four"]
        assert await second(SOON) == "four"
        for listener in (first, second):
            with pytest.raises(ConnectionError):
                await listener(SOON)


async def test_a_listener_that_is_woken_or_hears_nothing_for_so_long_gets_none():
    audience: Audience[str] = Audience(early=2)
    async with audience.listening() as listener:
        audience.wake()
        assert await listener(SOON) is None
        assert await listener(0.01) is None


async def test_the_first_opens_the_last_closes_and_a_dead_one_is_opened_anew():
    exchange, shared = Exchange(), Shared[Line](hold_seconds=SOON)
    async with shared.using("a", exchange.connect) as line:
        async with shared.using("a", exchange.connect) as same:
            assert same is line
        assert line.closed == 0
        line.is_alive = False
        async with shared.using("a", exchange.connect) as anew:
            assert anew is not line

    assert len(exchange.lines) == 2
    assert exchange.lines[-1].closed == 1


async def test_what_is_held_stays_open_until_it_is_let_go():
    exchange, shared = Exchange(), Shared[Line](hold_seconds=SOON)
    async with shared.using("a", exchange.connect) as line:
        await shared.hold("a")
    assert line.closed == 0

    async with shared.using("a", exchange.connect) as same:
        shared.let_go("a")
        await asyncio.sleep(0)
        assert same is line

    assert line.closed == 1
