"""A running simulated org, its desk, and an anonymous end user of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests.vendors.salesforce_messaging.simulator_harness import Desk, EndUser, Stream, anonymous


@pytest.fixture
def simulator() -> SalesforceMessagingSimulator:
    return SalesforceMessagingSimulator(ping_interval_seconds=0.05)


@pytest.fixture
def url(simulator: SalesforceMessagingSimulator) -> Iterator[str]:
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
async def end_user(http: aiohttp.ClientSession) -> EndUser:
    return await anonymous(http)


@pytest.fixture
async def stream(end_user: EndUser) -> AsyncIterator[Stream]:
    async with end_user.stream() as opened:
        yield opened


@pytest.fixture
async def chat(desk: Desk, end_user: EndUser) -> str:
    """A conversation that Noor Halvorsen has accepted."""
    await end_user.create()
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
    return end_user.conversation_id
