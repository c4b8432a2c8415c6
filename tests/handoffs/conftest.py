"""The simulated vendor, and handoffs that a relay session serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.journal.services import Visitor
from handoffs.models import Handoff
from handoffs.states import State
from integrations.http.client import open_session
from integrations.simulators.simulator import running_simulator
from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests import factories
from tests.handoffs.chains import connect_others
from tests.handoffs.talk import Talk, verify_with
from tests.members import admin, project
from tests.vendors.amazon_connect.contract_setup import AWS_EXTERNAL_ID
from tests.waiting import database_threads_rest

__all__ = ("admin", "project")  # fixtures of the folder


@pytest.fixture(scope="module")
def served() -> Iterator[SalesforceMessagingSimulator]:
    simulator = SalesforceMessagingSimulator()
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def simulator(served: SalesforceMessagingSimulator) -> SalesforceMessagingSimulator:
    served.reset()
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_session(allow_local=True)
    yield session
    await session.close()


@pytest.fixture
async def talk(
    simulator: SalesforceMessagingSimulator, http: aiohttp.ClientSession
) -> AsyncIterator[Callable[..., Any]]:
    made: list[Talk] = []

    async def make(*, is_verified: bool = False, **behaviour: Any) -> Talk:
        def build() -> Handoff:
            of = factories.integration(url=simulator.base_url, behaviour=behaviour)
            visitor = Visitor(external_id="ines-4411", is_verified=is_verified)
            if is_verified:
                verify_with(simulator, of)
            conversation = factories.conversation(factories.channel(of.project), visitor=visitor)
            factories.said(conversation, "My parcel is lost")
            factories.said(conversation, "I'll transfer you.", EventType.POLY_AGENT_MESSAGE)
            return factories.handoff(conversation, hints={"queue": "Parcels"})

        made.append(Talk(await run_sync(build), simulator, http))
        return made[-1]

    yield make
    for one in made:
        await one.close()
    await database_threads_rest()


@pytest.fixture
def queued() -> Handoff:
    return factories.handoff(state=State.QUEUED)


@pytest.fixture
def active() -> Handoff:
    return factories.handoff(state=State.ACTIVE)


@pytest.fixture(scope="module")
def amazon_served() -> Iterator[Any]:
    simulator = AmazonConnectSimulator(external_id=AWS_EXTERNAL_ID)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def amazon(amazon_served: Any) -> Any:
    amazon_served.reset()
    amazon_served.set_agents_offline(is_offline=False)
    return amazon_served


@pytest.fixture(scope="module")
def zendesk() -> Iterator[Any]:
    simulator = ZendeskSimulator()
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
async def chain(
    talk: Callable[..., Any], amazon: Any, zendesk: Any
) -> AsyncIterator[Callable[..., Any]]:
    """Callable[..., Any] a handoff to Salesforce in a project that has the other two as well."""

    async def make(**behaviour: Any) -> Talk:
        one = await talk(**behaviour)
        await run_sync(connect_others, one.handoff, amazon, zendesk)
        return one

    yield make
