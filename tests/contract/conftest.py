"""Runs every test of the contract for every vendor whose live agents can answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.contract.manifest import Delivery
from integrations.contract.registry import manifest, vendor_keys
from tests.contract.bench import Bench, running_bench
from tests.contract.webhook_bench import running_webhook_bench

# Nobody answers there: a ticket goes out, and nothing comes back into the conversation.
TICKET_DESKS = {"zendesk_tickets"}


@pytest.fixture(params=[key for key in vendor_keys() if key not in TICKET_DESKS])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    is_called_back = manifest(request.param).delivery is Delivery.WEBHOOK
    running = running_webhook_bench if is_called_back else running_bench
    async with running(request.param) as bench:
        yield bench
