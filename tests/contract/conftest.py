"""Runs every test of the contract for every vendor whose live agents can answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.contract.manifest import Delivery
from integrations.contract.registry import manifest_get, manifests
from tests.contract.bench import Bench, running_bench
from tests.contract.webhook_bench import running_webhook_bench


@pytest.fixture(params=[found.key for found in manifests() if found.takes_live_chats])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    is_called_back = manifest_get(request.param).delivery is Delivery.WEBHOOK
    running = running_webhook_bench if is_called_back else running_bench
    async with running(request.param) as bench:
        yield bench
