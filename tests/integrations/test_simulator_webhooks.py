"""Pretend vendors call back in order, retry as planned, and tell on the desk how it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.simulators.webhooks import RetryPlan, WebhookSender

QUICK = RetryPlan(timeout_seconds=0.3, pauses=(0.05, 0.05))


class Receiver:
    """The portal's end: remembers what came and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.pause = 0.0

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.text())
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.pause)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
def sender():
    sender = WebhookSender(QUICK)
    yield sender
    sender.close()


async def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline, "it never became so"
        await asyncio.sleep(0.005)


async def test_webhook_arrives_with_its_bytes_and_headers_and_is_logged(sender, url, receiver):
    delivery = await sender.send(url, {"X-Sign": "abc"}, '{"t":"é"}'.encode(), label="text")

    assert receiver.bodies == ['{"t":"é"}']
    assert receiver.headers[0]["X-Sign"] == "abc"
    assert delivery.state == "delivered"
    (logged,) = sender.deliveries()
    assert (logged["label"], logged["attempts"][0]["status"]) == ("text", 200)


async def test_overload_is_retried_with_the_same_bytes_and_a_refusal_is_not(sender, url, receiver):
    receiver.statuses = [503, 429, 200, 403]

    retried = await sender.send(url, {}, b"one")
    refused = await sender.send(url, {}, b"two")

    assert [one["status"] for one in retried.attempts] == [503, 429, 200]
    assert (retried.state, refused.state, len(refused.attempts)) == ("delivered", "failed", 1)
    assert receiver.bodies == ["one", "one", "one", "two"]


async def test_slow_and_dead_receivers_are_given_up_after_the_last_attempt(sender, url, receiver):
    receiver.pause = 1.0

    slow = await sender.send(url, {}, b"slow")
    dead = await sender.send("http://127.0.0.1:9/hook", {}, b"dead")

    assert (slow.state, len(slow.attempts)) == ("failed", 3)
    assert (dead.state, len(dead.attempts)) == ("failed", 3)
    assert all(one["error"] for one in (*slow.attempts, *dead.attempts))


async def test_a_lane_keeps_its_order_and_a_retry_lets_later_ones_pass(sender, url, receiver):
    receiver.statuses = [500]

    for body in (b"1", b"2", b"3"):
        sender.post(url, {}, body, lane="chat")

    await eventually(lambda: len(receiver.bodies) == 4)
    assert receiver.bodies == ["1", "2", "3", "1"]


async def test_planned_duplicates_and_swaps_hit_the_next_webhooks(sender, url, receiver):
    sender.duplicate_next("text")
    sender.post(url, {}, b"typing", lane="a", label="event")
    sender.post(url, {}, b"twice", lane="a", label="text")
    sender.swap_next_two()
    sender.post(url, {}, b"later", lane="a")
    sender.post(url, {}, b"sooner", lane="a")

    await eventually(lambda: len(receiver.bodies) == 5)

    assert receiver.bodies == ["typing", "twice", "twice", "sooner", "later"]


async def test_forgetting_stops_retries_and_the_sender_works_again(sender, url, receiver):
    receiver.statuses = [500]
    sender.plan = RetryPlan(timeout_seconds=1, pauses=(60.0,))
    sender.post(url, {}, b"given up")
    await eventually(lambda: len(receiver.bodies) == 1)

    sender.forget()

    assert sender.deliveries() == []
    assert (await sender.send(url, {}, b"again")).state == "delivered"
    assert receiver.bodies == ["given up", "again"]
