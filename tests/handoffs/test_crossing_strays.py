"""A line that crosses the end opens another conversation at Genesys: the relay ends that too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from handoffs.relay import ending
from integrations.http.client import open_session
from integrations.simulators.simulator import running_simulator
from integrations.simulators.traffic import Hold
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests import factories
from tests.contract.vendors import SETUPS
from tests.handoffs.talk import Talk, holds
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "One more question"
NOT_DELIVERED = ("SYSTEM_MESSAGE", "handoff_forward_failed")
PATIENCE_SECONDS = 40.0


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_session(allow_local=True)
    yield session
    await session.close()


@pytest.fixture
async def one(http: aiohttp.ClientSession) -> AsyncIterator[Talk]:
    """Give a talk with a live agent; what is written after its end opens a new conversation."""
    simulator = GenesysSimulator(threading_minutes=0)
    with running_simulator(simulator) as url:
        talk = Talk(await run_sync(genesys_handoff, url), simulator, http)
        await talk.serve()
        await talk.reaches("queued")
        simulator.live_agent_joins(talk.desk_id(), agent_name="Noor Halvorsen")
        await eventually_async(lambda: is_in(talk, "active"), seconds=PATIENCE_SECONDS)
        yield talk
        await talk.close()
        await database_threads_rest()


def genesys_handoff(url: str) -> Handoff:
    conversation = factories.conversation()
    factories.said(conversation, "My parcel is lost")
    handoff = factories.handoff(conversation)
    of = factories.integration(
        conversation.project,
        connector_key="genesys",
        integration_key="genesys_integration",
        credentials=dict(SETUPS["genesys"].credentials(url)),
    )
    handoff.integration, handoff.integration_key = of, of.integration_key
    handoff.save()
    return handoff


async def is_in(talk: Talk, state: str) -> bool:
    return (await talk.now()).state == state


async def crossed(one: Talk) -> None:
    """Let a line reach Genesys behind the live agent's end, which has reached us."""
    desk_id = one.desk_id()
    one.simulator.faults.hold(Hold(text=LINE))
    await one.write(LINE)
    await eventually_async(lambda: any(LINE in r.body for r in one.simulator.requests.all()))
    one.simulator.live_agent_ends(desk_id)
    await eventually_async(lambda: is_in(one, "ended"), seconds=PATIENCE_SECONDS)
    one.simulator.faults.release()


def statuses(one: Talk) -> list[str]:
    return [row["status"] for row in one.simulator.desk_conversations()]


async def test_the_conversation_that_a_late_line_opened_is_ended(one: Talk):
    await crossed(one)
    await one.finished()

    assert statuses(one) == ["ended", "ended"]
    assert (await one.journal())[-2:] == [NOT_DELIVERED, ("SESSION_END", "REASON_NATURAL_END")]
    assert (await one.now()).vendor_end_until is None


async def test_what_a_late_line_opened_is_ended_by_the_next_worker(one: Talk, monkeypatch):
    monkeypatch.setattr(ending, "_REFUSED_BASE_SECONDS", 0.05)
    one.simulator.fail_next(400, count=1000, method="PATCH")
    await crossed(one)
    await eventually_async(lambda: holds(one.journal, ("SESSION_END", "REASON_NATURAL_END")))
    assert statuses(one) == ["ended", "queued"]
    await one.kill()

    one.simulator.faults.clear()
    await one.serve()
    await one.finished()

    assert statuses(one) == ["ended", "ended"]
