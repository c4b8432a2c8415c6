"""Runs every test of the contract for every vendor that has a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.connector import Delivery
from integrations.registry import manifest, vendor_keys
from tests.contract.bench import Bench, running_bench
from tests.contract.webhook_bench import running_webhook_bench


@pytest.fixture(params=vendor_keys())
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    is_called_back = manifest(request.param).delivery is Delivery.WEBHOOK
    running = running_webhook_bench if is_called_back else running_bench
    async with running(request.param) as bench:
        yield bench
