"""Sockets of a real server: the statuses of the handshake, and silence."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from config.asgi import application
from conversations.event_loop.executor import run_sync
from tests import factories
from tests.conversations.widget import Widget, write_elsewhere
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            application, ws="websockets-sansio", lifespan="off", log_level=logging.WARNING
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        thread.join(10)


@asynccontextmanager
async def real_socket(server: str, path: str, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(server + path, **options) as client:
        yield client


async def refused(server: str, path: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as raised:
        async with connect(server + path, **options):
            pass
    response = raised.value.response
    return response.status_code, json.loads(response.body)["error_message"]


async def test_a_handshake_is_refused_with_the_status_of_its_cause(server, widget):
    other = await run_sync(lambda: Widget(factories.conversation()))

    statuses = {
        "no session": await refused(server, widget.path(session_id="")),
        "no token": await refused(server, widget.path(access_token="")),
        "a forged token": await refused(server, widget.path(access_token="x.y.z")),
        "a token that is no text": await refused(server, widget.path(access_token="\xff.\xff")),
        "another session's token": await refused(server, widget.path(access_token=other.token)),
        "an unknown session": await refused(server, widget.path(session_id=str(uuid.uuid4()))),
        "a session that is no id": await refused(server, widget.path(session_id="1 OR 1=1")),
        "bytes that are no text": await refused(server, "/ws?session_id=%ff&access_token=%ff"),
        "a foreign page": await refused(server, widget.path(), origin="https://evil.test"),
        "a page without an origin": await refused(server, widget.path(), origin="null"),
    }

    assert {name: status for name, (status, _) in statuses.items()} == {
        "no session": 400,
        "no token": 400,
        "a forged token": 401,
        "a token that is no text": 401,
        "another session's token": 401,
        "an unknown session": 404,
        "a session that is no id": 404,
        "bytes that are no text": 401,
        "a foreign page": 401,
        "a page without an origin": 401,
    }
    assert all(message.endswith(".") for _, message in statuses.values())


@pytest.mark.parametrize("origin", ["https://shop.example", "https://www.shop.example", None])
async def test_an_allowed_page_and_an_app_without_an_origin_are_let_in(server, widget, origin):
    async with real_socket(server, widget.path(), origin=origin) as client:
        assert json.loads(await client.recv())["type"] == "EVENT_TYPE_EVENT_BATCH"


async def test_the_token_may_come_as_a_subprotocol_and_is_not_returned(server, widget):
    offered = ["baton.v1", f"bearer.{widget.token}"]

    async with real_socket(server, widget.path(access_token=""), subprotocols=offered) as client:
        assert client.subprotocol == "baton.v1"
        assert json.loads(await client.recv())["type"] == "EVENT_TYPE_EVENT_BATCH"


async def test_an_id_and_a_token_are_known_with_what_came_along_when_they_were_copied(
    server, widget
):
    pasted = {
        "session_id": f'"{str(widget.conversation.session_id).upper()}"',
        "access_token": f" {widget.token}\n",
    }

    async with real_socket(server, widget.path(**pasted)) as client:
        assert json.loads(await client.recv())["type"] == "EVENT_TYPE_EVENT_BATCH"


async def test_the_eleventh_socket_is_refused_until_one_closes(server, widget):
    clients = [await connect(server + widget.path()) for _ in range(10)]
    try:
        status, message = await refused(server, widget.path())
        await clients.pop().close()

        async def another() -> bool:
            with suppress(InvalidStatus):
                clients.append(await connect(server + widget.path()))
                return True
            return False

        await eventually_async(another)
    finally:
        for client in clients:
            await client.close()

    assert (status, message) == (429, "This session already has 10 open sockets.")


async def test_clients_that_connect_and_drop_at_once_lock_nobody_out(server, widget):
    """The phone of an end user in a lift: connections without a closing handshake."""
    for _ in range(30):
        client = await connect(server + widget.path())
        client.transport.abort()

    async def is_let_in() -> bool:
        with suppress(InvalidStatus):
            async with real_socket(server, widget.path()) as client:
                await client.recv()
                return True
        return False

    await eventually_async(is_let_in)


async def test_a_socket_that_was_silent_for_twelve_seconds_still_delivers(server, widget):
    async with real_socket(server, widget.path()) as client:
        await client.recv()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 12)  # the time is what is tested (pitfall 1.1)
        line = await write_elsewhere(widget.conversation, "Still there?")

        assert json.loads(await asyncio.wait_for(client.recv(), 2))["id"] == str(line.pk)


async def test_a_refused_handshake_and_an_open_socket_name_their_correlation_id(server, widget):
    given = {"X-Correlation-Id": "order-7"}
    with pytest.raises(InvalidStatus) as raised:
        async with connect(server + widget.path(access_token="x.y.z"), additional_headers=given):
            pass
    async with connect(server + widget.path()) as client:
        assert client.response is not None
        made = client.response.headers["x-correlation-id"]

    assert raised.value.response.headers["x-correlation-id"] == "order-7"
    assert len(made) == 32
