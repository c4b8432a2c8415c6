"""A running simulated org, its desk, the portal's webhook, and an end user."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.vendors.genesys.simulator import GenesysSimulator
from integrations.vendors.genesys.simulator.world import AGREED, OrgSwitches
from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    Api,
    Desk,
    EndUser,
    Portal,
    request_token,
)

# The vendor's SDK is an extra of 170 MB. Continuous integration has it, and fails without.
if "CI" not in os.environ and find_spec("PureCloudPlatformClientV2") is None:
    collect_ignore = ["test_oracle.py"]


@pytest.fixture(scope="module")
def pretended() -> GenesysSimulator:
    return GenesysSimulator(ping_interval_seconds=0.1, webhook_retry_pause_seconds=0.05)


@pytest.fixture
def simulator(served: GenesysSimulator) -> Iterator[GenesysSimulator]:
    """What an admin has agreed outlives a reset: it is put back after each test."""
    yield served
    served.reset()
    served.configure(**{name: getattr(OrgSwitches(), name) for name in AGREED})


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
