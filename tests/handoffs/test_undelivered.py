"""What a live agent wrote that nobody can get any more: Genesys is told with a failed receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import StoredWebhook, VendorEvent
from handoffs.receiving.inbox import webhook_take
from handoffs.relay.connectors import Connectors
from handoffs.relay.ending import undelivered_of
from integrations.contract.connector import WebhookRequest
from integrations.http.client import open_session
from integrations.simulators.simulator import running_simulator
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests.handoffs.talk import Talk
from tests.handoffs.test_crossing_strays import genesys_handoff
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
# Nobody listens there: the test carries the calls to the portal itself.
NOWHERE = "http://127.0.0.1:9/hooks"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_session(allow_local=True)
    yield session
    await session.close()


@pytest.fixture
async def one(http: aiohttp.ClientSession) -> AsyncIterator[Talk]:
    simulator = GenesysSimulator(webhook_url=NOWHERE)
    with running_simulator(simulator) as url:
        talk = Talk(await run_sync(genesys_handoff, url), simulator, http)
        await talk.serve()
        await talk.reaches("queued")
        simulator.live_agent_joins(talk.desk_id(), agent_name="Noor Halvorsen")
        await talk.reaches("active")
        yield talk
        await talk.close()
        await database_threads_rest()


def carry(one: Talk, label: str) -> None:
    """Take the simulator's last call of a kind, as the portal's view would."""
    call: dict[str, Any] = [w for w in one.simulator.sent_webhooks() if w["label"] == label][-1]
    request = WebhookRequest(
        endpoint="events",
        method="POST",
        headers={name.lower(): value for name, value in call["headers"].items()},
        query={},
        body=call["body"].encode(),
    )
    assert one.handoff.integration is not None
    webhook_take(one.handoff.integration, request)


def word(one: Talk) -> dict[str, Any]:
    return next(m for m in one.desk()["messages"] if m["text"] == "Are you still there?")


async def test_word_that_comes_after_the_end_has_failed_and_is_kept_no_longer(
    one: Talk, http: aiohttp.ClientSession
):
    one.simulator.live_agent_says(one.desk_id(), text="Are you still there?")
    one.simulator.live_agent_types(one.desk_id())
    await one.leave()
    await one.finished()

    await run_sync(carry, one, "Text")
    await run_sync(carry, one, "Event")
    await undelivered_of(Connectors(http), one.handoff.pk)

    assert word(one)["status"] == "delivery-failed"
    [receipt] = word(one)["receipts"]
    assert [reason["code"] for reason in receipt["reasons"]] == ["InvalidDestination"]
    assert not await run_sync(StoredWebhook.objects.filter(is_done=False).exists)


async def test_word_that_waited_when_the_end_came_has_failed_too(one: Talk):
    await one.kill()
    one.simulator.live_agent_says(one.desk_id(), text="Are you still there?")
    await run_sync(carry, one, "Text")
    await one.leave()

    await one.serve()
    await one.finished()

    assert word(one)["status"] == "delivery-failed"


async def test_while_it_is_open_nothing_has_failed(one: Talk, http: aiohttp.ClientSession):
    one.simulator.live_agent_says(one.desk_id(), text="Are you still there?")

    await undelivered_of(Connectors(http), one.handoff.pk)

    assert word(one)["status"] != "delivery-failed"


async def test_what_a_carrier_could_not_bring_to_the_phone_has_failed_too(one: Talk):
    one.simulator.live_agent_says(one.desk_id(), text="Are you still there?")
    await run_sync(carry, one, "Text")
    one.wake()
    await eventually_async(one.said_by_agent)
    line = await run_sync(VendorEvent.objects.get, event__type="LIVE_AGENT_MESSAGE")

    assert one.session is not None
    one.session.signal(
        {
            "type": "relay.signal",
            "handoff_id": one.handoff.pk,
            "signal": "failed",
            "vendor_message_id": line.vendor_event_id,
        }
    )

    await eventually_async(lambda: word(one)["status"] == "delivery-failed")
