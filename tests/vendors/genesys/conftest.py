"""A running simulated org, its desk, the portal's webhook, and an end user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.simulator import running_simulator
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests.vendors.genesys.simulator_harness import (
    AGENT,
    Api,
    Desk,
    EndUser,
    Portal,
    request_token,
)


@pytest.fixture
def simulator() -> GenesysSimulator:
    return GenesysSimulator(ping_interval_seconds=0.1, webhook_retry_pause_seconds=0.05)


@pytest.fixture
def url(simulator: GenesysSimulator) -> Iterator[str]:
    with running_simulator(simulator) as address:
        yield address


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(url) as session:
        yield session


@pytest.fixture
def desk(http: aiohttp.ClientSession) -> Desk:
    return Desk(http)


@pytest.fixture
async def portal(desk: Desk) -> AsyncIterator[Portal]:
    """The portal's webhook, told to the vendor."""
    portal = Portal()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/hooks/genesys", portal.take)
    async with TestServer(app) as server:
        portal.url = str(server.make_url("/hooks/genesys"))
        await desk.configure(webhook_url=portal.url)
        yield portal


@pytest.fixture
async def api(http: aiohttp.ClientSession) -> Api:
    status, answer = await request_token(http)
    assert status == 200, answer
    return Api(http, answer["access_token"])


@pytest.fixture
def end_user(api: Api, portal: Portal) -> EndUser:
    return EndUser(api)


@pytest.fixture
async def chat(desk: Desk, end_user: EndUser) -> str:
    """A conversation that Noor Halvorsen has answered."""
    await end_user.say("I was charged twice")
    await desk.act(end_user.conversation_id, "accept", agent_name=AGENT)
    return end_user.conversation_id
