"""Pauses that a vendor asked for are kept in Redis, for all workers; best effort without it."""

import time

import pytest

from config.demo.embedded import free_port
from integrations.connections.pauses import StoredPauses
from integrations.contract.errors import RateLimitedError
from integrations.entry import rate_limit
from integrations.kit.waiting import RateBudget, RateTiming


def budget(vendor: str = "zendesk") -> RateBudget:
    return RateBudget(RateTiming(), account="app-1", store=StoredPauses(vendor))


async def refuse(refused: RateBudget) -> None:
    with pytest.raises(RateLimitedError):
        async with refused.call("post_message"):
            raise RateLimitedError("post_message: 429", retry_after=20.0)


async def test_a_worker_heeds_the_pause_that_another_one_was_told():
    await refuse(budget())

    with pytest.raises(RateLimitedError) as raised:
        await budget().admit("post_message")

    assert 19 < raised.value.retry_after <= 20


async def test_an_account_of_the_same_name_at_another_vendor_is_not_held():
    await refuse(budget())

    await budget("genesys").admit("post_message")


async def test_a_longer_pause_is_not_cut_short_by_a_shorter_one():
    pauses = StoredPauses("zendesk")
    await pauses.hold("app-1:", 20.0)

    await pauses.hold("app-1:", 1.0)

    assert await pauses.seconds_left("app-1:") > 19


async def test_without_redis_a_worker_knows_its_own_refusals_and_is_not_slowed(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    rate_limit.redis_client.cache_clear()
    try:
        begun, refused = time.monotonic(), budget()
        await refuse(refused)
        with pytest.raises(RateLimitedError):
            await refused.admit("post_message")
        await budget().admit("post_message")
        assert time.monotonic() - begun < 1.5
    finally:
        rate_limit.redis_client.cache_clear()
