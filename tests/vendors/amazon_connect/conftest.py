"""A running simulated instance, its desk, and a customer with an open socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from tests.vendors.amazon_connect.simulator_harness import (
    Customer,
    Desk,
    Socket,
    new_customer,
    open_socket,
)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[AmazonConnectSimulator, str]]:
    """One server for a module: starting and stopping it takes longer than most tests."""
    simulator = AmazonConnectSimulator()
    with running_simulator(simulator) as address:
        yield simulator, address


@pytest.fixture
def simulator(running: tuple[AmazonConnectSimulator, str]) -> AmazonConnectSimulator:
    running[0].reset()
    return running[0]


@pytest.fixture
def url(running: tuple[AmazonConnectSimulator, str], simulator: AmazonConnectSimulator) -> str:
    return running[1]


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(url) as session:
        yield session


@pytest.fixture
def desk(http: aiohttp.ClientSession) -> Desk:
    return Desk(http)


@pytest.fixture
def customer(url: str) -> Customer:
    """A customer whose chat has been started and who holds a connection."""
    new = new_customer(url, SupportedMessagingContentTypes=["text/plain", "text/markdown"])
    new.create_connection()
    return new


@pytest.fixture
async def socket(http: aiohttp.ClientSession, customer: Customer) -> AsyncIterator[Socket]:
    """The customer's socket, subscribed: the chat waits in its queue."""
    async with open_socket(http, customer.socket_url) as opened:
        assert await opened.subscribe() == "success"
        yield opened


@pytest.fixture
async def chat(desk: Desk, customer: Customer, socket: Socket) -> str:
    """A chat that Noor Halvorsen has accepted."""
    await socket.until("participant.joined")
    await desk.act(customer.chat_id, "accept", agent_name="Noor Halvorsen")
    await socket.until("participant.joined")
    return customer.chat_id
