"""Runs every test of the contract for every vendor that has a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.registry import vendor_keys
from tests.contract.bench import Bench, running_bench


@pytest.fixture(params=vendor_keys())
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with running_bench(request.param) as bench:
        yield bench
