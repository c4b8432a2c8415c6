"""A running simulator and its desk, for the tests of any vendor.

A vendor's own conftest says which, in a fixture `pretended` of a module's length.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from integrations.simulators.simulator import Simulator, running_simulator
from tests.vendors.desk import Desk


@pytest.fixture(scope="module")
def served(pretended: Simulator) -> Iterator[Simulator]:
    """One server for a module: starting and stopping it takes longer than most tests."""
    with running_simulator(pretended):
        yield pretended


@pytest.fixture
def simulator(served: Any) -> Any:
    """The simulator without anything of the test before."""
    served.reset()
    return served


@pytest.fixture
def url(simulator: Simulator) -> str:
    return simulator.base_url


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(url) as session:
        yield session


@pytest.fixture
def desk(http: aiohttp.ClientSession) -> Desk:
    return Desk(http)
