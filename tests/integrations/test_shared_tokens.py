"""What all workers of an integration share, and what of it outlasts a change or a disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from integrations.connections.services import integration_disconnect
from integrations.connections.tokens import (
    MemoryTokens,
    StoredTokens,
    TrialTokens,
    tokens_forget,
)
from integrations.contract.connector import ROTATING, Connector, TokenCache
from integrations.http.client import HttpClient, Session, open_session
from integrations.models import Integration, VendorToken
from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_live_chat.client import ChatSession
from integrations.vendors.salesforce_live_chat.connector.memory import ChatMemory
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.simulator import WebexSimulator
from tests import factories
from tests.contract.bench import handoff_request
from tests.contract.vendors import SETUPS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webex() -> Iterator[WebexSimulator]:
    simulator = WebexSimulator()
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def integration(webex: WebexSimulator) -> Integration:
    return factories.integration(
        factories.project(),
        connector_key="webex",
        integration_key="webex_integration",
        credentials=dict(SETUPS["webex"].credentials(webex.base_url)),
    )


def stored(integration: Integration) -> StoredTokens:
    return StoredTokens(integration_id=integration.pk, run_sync=run_sync)


def worker(integration: Integration, session: Session, tokens: TokenCache) -> Connector:
    http = HttpClient(session, allow_local=True)
    return WebexConnector(credentials=integration.credentials, http=http, tokens=tokens)


def refreshes(webex: WebexSimulator) -> list[int | None]:
    return [kept.status for kept in webex.requests.all() if kept.path == "/v1/access_token"]


async def test_of_many_workers_one_gets_a_name_until_it_is_given_back_or_runs_out(
    integration: Integration,
) -> None:
    async def claims() -> int:
        asked = [stored(integration).claim("refresh", 60) for _ in range(12)]
        return (await asyncio.gather(*asked)).count(True)

    first, again = await claims(), await claims()
    await stored(integration).delete("refresh")
    given_back = await claims()
    await run_sync(VendorToken.objects.update, expires_at=timezone.now())

    assert (first, again, given_back, await claims()) == (1, 0, 1, 1)


async def test_two_workers_and_a_check_that_race_for_one_refresh_make_one(
    webex: WebexSimulator, integration: Integration
) -> None:
    async with open_session(allow_local=True) as session:
        workers = [worker(integration, session, stored(integration)) for _ in range(2)]
        check = worker(integration, session, TrialTokens(integration.pk))

        async def results() -> list[str]:
            return [result.code async for result in check.test_connection()]

        for round_ in (1, 2):
            starts = [one.start(handoff_request()) for one in workers]
            *_, codes = await asyncio.gather(*starts, results())

            assert codes == ["ok"] * 4
            assert refreshes(webex) == [200] * round_
            webex.expire_tokens()
    await sync_to_async(connections.close_all)()  # of the thread in which the check asks


async def test_a_worker_that_gets_a_chat_back_uses_no_number_that_another_used_meanwhile(
    integration: Integration,
) -> None:
    frozen, other = (ChatMemory(stored(integration)) for _ in range(2))

    numbers = [
        await frozen.number_of("chat-1", "a"),
        await other.number_of("chat-1", "b"),  # the lease is its own now
        await frozen.number_of("chat-1", "c"),  # and the first one's again
    ]

    assert numbers == [2, 3, 4]
    assert await frozen.number_of("chat-1", "b") == 3


class Frozen(StoredTokens):
    """Stands still once after it has read; `meanwhile` is what another worker does then."""

    meanwhile: Callable[[], Awaitable[int]] | None = None

    async def get(self, name: str) -> str | None:
        kept = await super().get(name)
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()
        return kept


@pytest.mark.parametrize("has_sent", [False, True])
async def test_a_worker_that_freezes_between_reading_and_writing_uses_no_number_of_another(
    integration: Integration, has_sent: bool
) -> None:
    cache = Frozen(integration_id=integration.pk, run_sync=run_sync)
    frozen, other = ChatMemory(cache), ChatMemory(stored(integration))
    if has_sent:
        await other.number_of("chat-1", "first")
    cache.meanwhile = lambda: other.number_of("chat-1", "b")

    number = await frozen.number_of("chat-1", "a")

    taken = await other.number_of("chat-1", "b")
    assert number == taken + 1
    assert await other.number_of("chat-1", "a") == number
    assert await other.number_of("chat-1", "c") == number + 1


async def test_a_worker_that_goes_on_with_a_start_reads_what_another_began_meanwhile(
    integration: Integration,
) -> None:
    frozen, other = (ChatMemory(stored(integration)) for _ in range(2))
    await frozen.begin("handoff-1", ChatSession(session_id="old", key="k", affinity="a"))

    await other.begin("handoff-1", ChatSession(session_id="new", key="k", affinity="a"))

    begun = await frozen.begun("handoff-1")
    assert begun is not None
    assert begun.session_id == "new"


async def test_a_rotated_secret_outlasts_a_change_and_nothing_outlasts_a_disconnect(
    webex: WebexSimulator, integration: Integration
) -> None:
    tokens = stored(integration)
    await tokens.set("access", "a", 60)
    await tokens.set(f"{ROTATING}refresh", "r", 60)

    await run_sync(tokens_forget, integration)
    after_change = await run_sync(lambda: [row.name for row in VendorToken.objects.all()])
    await run_sync(integration_disconnect, integration=integration, actor=None)

    assert after_change == [f"{ROTATING}refresh"]
    assert not await run_sync(VendorToken.objects.exists)


async def test_a_worker_that_serves_for_months_keeps_no_value_whose_time_is_over():
    tokens = MemoryTokens()
    for number in range(100):
        await tokens.set(f"start:handoff-{number}", "x", 0.001)
    await asyncio.sleep(0.01)

    await tokens.set("access_token", "good", 60)

    assert list(tokens._kept) == ["access_token"]
    assert await tokens.get("access_token") == "good"
