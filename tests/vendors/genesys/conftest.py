"""A simulated org, and a portal that its calls reach, for the connector's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.vendors.genesys.portal import Genesys, Portal, running_genesys, running_portal


@pytest.fixture(scope="module")
def genesys() -> Iterator[Genesys]:
    with running_genesys() as genesys:
        yield genesys


@pytest.fixture
async def portal(genesys: Genesys) -> AsyncIterator[Portal]:
    async with running_portal(genesys) as portal:
        yield portal
