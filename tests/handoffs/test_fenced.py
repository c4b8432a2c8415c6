"""A session that is not the owner any more sends nothing and marks nothing."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.fallback import handoff_unavailable
from handoffs.lifecycle.locking import Lease, LeaseLostError, handoff_locked, handoff_save
from handoffs.models import Delivery
from handoffs.relay.connectors import Connectors
from handoffs.relay.session import RelaySession
from handoffs.relay.session_outbox import SessionOutbox
from handoffs.relay.worker import RelayWorkerLoop
from handoffs.sending.hot_path import mark_sent
from handoffs.sending.outbox import deliveries_pending, delivery_sent
from handoffs.states import State
from integrations.telemetry.correlation import correlation_id
from tests import factories
from tests.handoffs.passing import active, mark_of, write
from tests.handoffs.test_hot_path_races import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def direct(number, text="Hello", at=None):
    return {"id": number, "message_id": str(number), "text": text, "at": at or time.time()}


@pytest.mark.parametrize(("dead_after", "is_told"), [(3600, True), (0, False)])
async def test_after_a_standstill_a_worker_looks_though_it_was_told(settings, dead_after, is_told):
    settings.RELAY_DEAD_AFTER_SECONDS = dead_after
    worker, lease = RelayWorkerLoop(), Lease(handoff_id="h", worker_id=uuid.uuid4(), epoch=1)
    session = RelaySession(lease, connectors=Connectors(None))
    session._incoming.outbox.take()
    worker._stopping = asyncio.Event()
    worker._sessions["h"] = (session, None)

    await worker._beat()
    worker._pass_on({"type": "relay.wake", "handoff_id": "h", "delivery": direct(1)})

    taken = session._incoming.outbox.take()
    assert (taken is not None) == is_told


def falling_back():
    project = factories.project()
    factories.integration(project, integration_key="zendesk_integration", connector_key="zendesk")
    behaviour = {
        "on_unavailable": "fallback",
        "fallback_integration": "zendesk_integration/default",
    }
    first = factories.integration(project, behaviour=behaviour)
    return factories.handoff(state=State.QUEUED, of_integration=first)


def falls_back(handoff):
    with handoff_locked(handoff.pk) as locked:
        handoff_save(locked, handoff_unavailable(locked, "no_live_agents"))


async def test_a_message_that_goes_to_the_fallback_meanwhile_is_not_marked_for_the_first(
    monkeypatch,
):
    handoff = await run_sync(falling_back)
    await write(handoff)
    row = await run_sync(Delivery.objects.get)
    lease = await run_sync(factories.lease_of, handoff)
    mark = mark_sent(mark_of(lease, row))

    assert not await meanwhile(monkeypatch, "_SENT", mark, lambda: falls_back(handoff))

    assert (await run_sync(Delivery.objects.get)).status == "pending"
    with pytest.raises(LeaseLostError):
        await run_sync(delivery_sent, lease, row.pk)


async def test_a_message_that_was_told_is_the_one_that_a_look_would_find():
    correlation_id.set("")
    handoff = await active()
    event = await write(handoff)
    row = await run_sync(Delivery.objects.get)
    outbox = SessionOutbox()
    outbox.take()
    word = direct(row.pk, "Where is it?", event.created_at.timestamp())
    outbox.add({**word, "message_id": str(event.pk)})

    assert outbox.take() == await run_sync(deliveries_pending, handoff.pk)
