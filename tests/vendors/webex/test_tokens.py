"""The refresh token is replaced with each use, for all workers and checks, by one of them."""

from __future__ import annotations

import asyncio

import pytest

from integrations.contract.connector import CheckResult
from integrations.contract.errors import InvalidAuthError
from integrations.simulators.traffic import Hold
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.simulator import WebexSimulator
from tests.contract.bench import MemoryTokens, handoff_request, outbound
from tests.vendors.webex.conftest import Connect


def refreshes(simulator: WebexSimulator) -> int:
    return sum(kept.path == "/v1/access_token" for kept in simulator.requests.all())


async def results(connector: WebexConnector) -> dict[str, CheckResult]:
    return {result.name: result async for result in connector.test_connection()}


async def test_of_twenty_sends_with_an_expired_token_one_refreshes(
    simulator: WebexSimulator, connect: Connect
):
    one, other = connect(), connect()
    session = await one.start(handoff_request())
    simulator.expire_tokens()
    before = refreshes(simulator)

    sends = [c.send_message(session, outbound(f"{n}")) for n in range(10) for c in (one, other)]
    await asyncio.gather(*sends)

    assert refreshes(simulator) == before + 1


async def test_a_worker_and_a_check_go_on_with_what_another_worker_refreshed(
    simulator: WebexSimulator, connect: Connect
):
    await connect().start(handoff_request())
    simulator.expire_tokens()
    await connect().start(handoff_request())

    found = await results(connect())

    assert all(result.is_ok for result in found.values()), found
    assert simulator.world.refresh_token != "simulated-refresh-token"


async def test_a_refresh_token_that_is_worth_nothing_is_named(
    simulator: WebexSimulator, connect: Connect
):
    simulator.world.refresh_token = "another"

    with pytest.raises(InvalidAuthError) as caught:
        await connect().start(handoff_request())

    assert caught.value.field == "refresh_token"
    assert (await results(connect()))["token"].code == "invalid_auth"


async def test_a_refresh_token_that_ends_soon_is_warned_of(
    simulator: WebexSimulator, connect: Connect
):
    simulator.configure(refresh_seconds=10 * 24 * 3600)

    found = await results(connect())

    assert found["expiry"].code == "invalid_auth"
    assert found["subscriptions"].is_ok


async def test_tokens_are_kept_under_a_name_that_outlasts_other_changes(
    connect: Connect, tokens: MemoryTokens
):
    await connect().start(handoff_request())

    kept = [name for name in tokens.values if not name.startswith("creating:")]
    assert len(kept) == 1
    assert kept[0].startswith("rotating:")


async def test_a_refresh_that_nobody_waits_for_any_more_is_kept(
    simulator: WebexSimulator, connect: Connect
):
    simulator.faults.hold(Hold(text="grant_type=refresh_token", after_accept=True))
    checking = asyncio.create_task(results(connect()))
    async with asyncio.timeout(10):
        while simulator.world.refresh_token == "simulated-refresh-token":
            await asyncio.sleep(0.01)

    checking.cancel()
    await asyncio.sleep(0)
    simulator.faults.release()
    with pytest.raises(asyncio.CancelledError):
        await checking

    await connect().start(handoff_request())
    assert refreshes(simulator) == 1
