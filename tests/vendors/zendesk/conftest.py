"""The simulated account's callers, and a portal that hears of everything."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests.vendors.desk import Desk
from tests.vendors.zendesk.simulator_harness import APP_KEY, Caller, Chat, Portal, Tickets


@pytest.fixture(scope="module")
def pretended() -> ZendeskSimulator:
    return ZendeskSimulator(retry_speed=500, batch_window_ms=5)


@pytest.fixture
def caller(http: aiohttp.ClientSession) -> Caller:
    return Caller(http)


@pytest.fixture
def app_caller(http: aiohttp.ClientSession) -> Caller:
    return Caller(http, APP_KEY)


@pytest.fixture
def tickets(http: aiohttp.ClientSession) -> Tickets:
    return Tickets(http)


@pytest.fixture
async def chat(caller: Caller) -> Chat:
    """A conversation of a new user, with the AI agent in control."""
    return await caller.conversation(metadata={"portalSession": "hs-88"})


@pytest.fixture
async def portal(desk: Desk) -> AsyncIterator[Portal]:
    """A portal whose addresses both webhooks know."""
    portal = Portal()
    app = web.Application(client_max_size=64_000_000)
    app.router.add_route("*", "/{path:.*}", portal.receive)
    async with TestServer(app) as server:
        portal.url = str(server.make_url("/")).rstrip("/")
        await desk.configure(
            webhook_target=f"{portal.url}/events", ticket_webhook_target=f"{portal.url}/status"
        )
        yield portal
