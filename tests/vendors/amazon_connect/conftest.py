"""The simulated instance, and a customer with an open socket; the rest is all vendors' conftest."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from tests.vendors.amazon_connect.simulator_harness import (
    Customer,
    Socket,
    new_customer,
    open_socket,
)
from tests.vendors.desk import Desk


@pytest.fixture(scope="module")
def pretended() -> AmazonConnectSimulator:
    return AmazonConnectSimulator()


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
    """A chat that a live agent has accepted."""
    await socket.until("participant.joined")
    await desk.accept(customer.chat_id)
    await socket.until("participant.joined")
    return customer.chat_id
