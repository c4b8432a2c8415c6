"""The pretend service, and a connector in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.simulators.simulator import running_simulator
from integrations.vendors.custom.connector import CustomConnector
from integrations.vendors.custom.simulator import CustomSimulator
from integrations.vendors.custom.simulator.world import SIGNING_SECRET
from tests.contract.bench import MemoryTokens

Connect = Callable[..., CustomConnector]
EVERYTHING = "typing,read,attachments,queue_status,availability,end_by_user"


@pytest.fixture(scope="module")
def served() -> Iterator[CustomSimulator]:
    simulator = CustomSimulator(retry_pause_seconds=0.05)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def simulator(served: CustomSimulator) -> CustomSimulator:
    served.reset()
    served.configure(events_url="")
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(allow_local=True) as session:
        yield session


@pytest.fixture
def records() -> list[VendorCallRecord]:
    return []


@pytest.fixture
def connect(
    simulator: CustomSimulator, http: aiohttp.ClientSession, records: list[VendorCallRecord]
) -> Connect:
    def make(**changes: str) -> CustomConnector:
        credentials = {
            "connector": "back_office",
            "base_url": simulator.base_url,
            "signing_secret": SIGNING_SECRET,
            "capabilities": EVERYTHING,
            **changes,
        }
        client = HttpClient(http, allow_local=True, recorder=records.append)
        return CustomConnector(credentials=credentials, http=client, tokens=MemoryTokens())

    return make
