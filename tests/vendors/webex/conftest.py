"""The pretend organization, and a connector in front of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from integrations.contract.connector import WebhookItem
from integrations.http.client import HttpClient, open_session
from integrations.simulators.simulator import running_simulator
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.simulator import WebexSimulator
from integrations.vendors.webex.simulator.world import ORG_ID
from tests.contract.bench import MemoryTokens
from tests.vendors.webex.contract_setup import SETUP

Connect = Callable[..., WebexConnector]


@pytest.fixture(scope="module")
def served() -> Iterator[WebexSimulator]:
    simulator = WebexSimulator(retry_pause_seconds=0.05)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def simulator(served: WebexSimulator) -> WebexSimulator:
    served.reset()
    served.world.subscriptions.clear()
    served.world.refresh_token = "simulated-refresh-token"
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(allow_local=True) as session:
        yield session


@pytest.fixture
def tokens() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def connect(
    simulator: WebexSimulator, http: aiohttp.ClientSession, tokens: MemoryTokens
) -> Connect:
    def make(**changes: str) -> WebexConnector:
        credentials = {**SETUP.credentials(simulator.base_url), **changes}
        client = HttpClient(http, allow_local=True)
        return WebexConnector(credentials=credentials, http=client, tokens=tokens)

    return make


def item(kind: str, task_id: str, at: int = 1_790_000_000_000, **data: Any) -> WebhookItem:
    """Return what a call of this kind leaves in the inbox."""
    body = {
        "id": task_id,
        "type": kind,
        "comciscoorgid": ORG_ID,
        "comciscotimestamp": at,
        "data": {"taskId": task_id, **data},
    }
    return WebhookItem(item_id=json.dumps([kind, at]), key=task_id, body=body)


def word(task_id: str, text: str, sender: str, sender_id: str = "", **more: Any) -> WebhookItem:
    """Return a word to the end user."""
    message = {"aliasId": f"alias-{text}", "text": text, "attachments": [], **more}
    return item(
        "task-message:appended",
        task_id,
        messageDirection="OUTBOUND",
        senderType=sender,
        senderId=sender_id,
        channelParams={"type": "text", "message": message},
    )
