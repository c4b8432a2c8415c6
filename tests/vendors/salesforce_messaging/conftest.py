"""The simulated org, and an anonymous end user of it; the rest is the conftest of all vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests.vendors.desk import Desk
from tests.vendors.salesforce_messaging.simulator_harness import EndUser, Stream, anonymous


@pytest.fixture(scope="module")
def pretended() -> SalesforceMessagingSimulator:
    return SalesforceMessagingSimulator(ping_interval_seconds=0.05)


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
    await desk.accept(end_user)
    return end_user.conversation_id
