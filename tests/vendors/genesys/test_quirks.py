"""What only Genesys does: one token and one budget for all, and a queue to ask about."""

from __future__ import annotations

import asyncio

import pytest

from integrations.connections.pauses import StoredPauses
from integrations.contract.errors import (
    InvalidAuthError,
    InvalidRoutingError,
    RateLimitedError,
)
from integrations.contract.events import LiveAgentJoined, QueuePositionChanged
from tests.contract.bench import handoff_request, outbound
from tests.vendors.desk import AGENT
from tests.vendors.genesys.portal import (
    Portal,
)


async def test_one_token_serves_all_workers_until_it_expires(portal: Portal):
    handoff = await portal.started(portal.connector())
    other = portal.connector()
    await other.send_message(handoff.session, outbound("One"))
    assert len(await portal.requests(containing="/oauth/token")) == 1
    await handoff.stop()
    await handoff.connector.close()

    await portal.fault("expire_tokens")
    await asyncio.gather(*(other.send_message(handoff.session, outbound(f"{n}")) for n in range(5)))

    assert len(await portal.requests(containing="/oauth/token")) == 2
    assert sorted((await portal.said(handoff))[1:]) == ["0", "1", "2", "3", "4", "One"]


async def test_wrong_secret_is_invalid_auth_until_it_is_right(portal: Portal):
    with pytest.raises(InvalidAuthError) as caught:
        await portal.connector(client_secret="not the secret").start(handoff_request())

    assert caught.value.field == "client_secret"
    assert (await portal.connector().start(handoff_request())).vendor_conversation_id


async def test_refusal_for_haste_tells_how_long_and_silences_what_can_wait(portal: Portal):
    handoff = await portal.started(portal.connector(use_notifications="false"))
    await handoff.wait_for(LiveAgentJoined)
    await handoff.stop()
    await portal.configure(rate_limit_per_minute=1)

    with pytest.raises(RateLimitedError) as caught:
        for number in range(3):
            await handoff.say(f"{number}")
    before = len(await portal.requests())
    await handoff.connector.send_typing(handoff.session, is_typing=True)

    assert caught.value.retry_after
    assert len(await portal.requests()) == before


async def test_pause_that_one_worker_was_told_holds_another_workers_messages(portal: Portal):
    pauses = StoredPauses("genesys_alone")  # not those of other tests
    handoff = await portal.started(portal.connector(pauses=pauses, use_notifications="false"))
    await handoff.stop()
    other = portal.connector(pauses=pauses, use_notifications="false")
    await portal.fault("fail_next", status=429, count=1, path_prefix="/api", retry_after=30)

    with pytest.raises(RateLimitedError):
        await handoff.say("Too much")
    before = len(await portal.requests())
    with pytest.raises(RateLimitedError) as caught:
        await other.send_message(handoff.session, outbound("Not now"))

    assert caught.value.retry_after > 25
    assert len(await portal.requests()) == before


@pytest.mark.parametrize(
    ("told", "seconds"), [("header", (25, 30)), ("body", (25, 30)), ("nowhere", (5, 15))]
)
async def test_refusal_for_haste_holds_all_back_wherever_it_says_for_how_long(
    portal: Portal, told: str, seconds: tuple[float, float]
):
    handoff = await portal.started(portal.connector(use_notifications="false"))
    await handoff.stop()
    await portal.configure(wait_told=told)
    await portal.fault("fail_next", status=429, count=1, path_suffix="/message", retry_after=30)
    first, second = outbound("First"), outbound("Second")

    waits = []
    for message in (first, second, first):  # in whatever order the relay tries: none overtakes
        with pytest.raises(RateLimitedError) as caught:
            await handoff.connector.send_message(handoff.session, message)
        waits.append(caught.value.retry_after)

    assert all(seconds[0] < wait <= seconds[1] for wait in waits), waits
    assert "Second" not in await portal.said(handoff)


SUPPORT_QUEUE = "de0ab666-1112-5ac8-9b9e-b5e3ebb0baaf"


async def test_availability_is_asked_of_the_default_queue(portal: Portal):
    connector = portal.connector(queue_id=SUPPORT_QUEUE)
    there = await connector.check_availability(handoff_request())
    await portal.fault("agents_offline", is_offline=True)

    gone = await connector.check_availability(handoff_request())

    assert (there.is_available, there.estimated_wait_seconds) == (True, 95)
    assert (gone.is_available, gone.estimated_wait_seconds) == (False, None)


async def test_availability_is_unknown_without_a_queue_or_a_permission(portal: Portal):
    await portal.without("analytics:queueObservation:view")

    nowhere = await portal.connector().check_availability(handoff_request())
    unseen = await portal.connector(queue_id=SUPPORT_QUEUE).check_availability(handoff_request())

    assert nowhere.is_available is None
    assert unseen.is_available is None


async def test_the_queue_is_learnt_from_what_the_flow_did_with_a_handoff_like_it(portal: Portal):
    connector = portal.connector()
    asked = {"queue_name": "Support"}
    before = await connector.check_availability(handoff_request(routing=asked))
    handoff = await portal.started(connector, accept=False, routing=asked)
    await handoff.wait_for(QueuePositionChanged)
    await portal.fault("agents_offline", is_offline=True)

    # Another worker, and a handoff that asks for something else.
    after = await portal.connector().check_availability(handoff_request(routing=asked))
    other = await portal.connector(queue_id=SUPPORT_QUEUE).check_availability(
        handoff_request(routing={"queue": "Another"})
    )

    assert (before.is_available, after.is_available) == (None, False)
    assert other.is_available is None


async def test_availability_of_a_queue_that_does_not_exist_is_an_error(portal: Portal):
    connector = portal.connector(queue_id="00000000-1112-5ac8-9b9e-b5e3ebb0baaf")

    with pytest.raises(InvalidRoutingError):
        await connector.check_availability(handoff_request())


async def test_wait_is_told_with_the_queues_name_until_somebody_comes(portal: Portal):
    handoff = await portal.started(portal.connector(), accept=False)

    [wait] = await handoff.wait_for(QueuePositionChanged)
    await portal.act(handoff, "accept", agent_name=AGENT)
    await handoff.wait_for(LiveAgentJoined)

    assert (wait.queue_name, wait.estimated_wait_seconds) == ("Support", 95)
    assert len(handoff.of(QueuePositionChanged)) == 1
