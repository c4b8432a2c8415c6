"""A bench in front of the pretend chat channel, and one that can be made otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.bench import Bench, running_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("nice_chat") as bench:
        yield bench
