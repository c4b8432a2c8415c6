"""A whole conversation through the portal's own address: the relay, the webhooks and the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.journal.publish import conversation_group
from conversations.journal.services import conversation_lock
from handoffs.models import Handoff
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_start
from integrations.connections.addresses import webhook_urls
from integrations.http.client import open_session
from integrations.simulators.simulator import running_simulator
from integrations.vendors.five9.mapping import TYPING_SECONDS
from integrations.vendors.five9.simulator import Five9Simulator
from tests import factories
from tests.handoffs.talk import Talk
from tests.vendors.five9.contract_setup import SETUP
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
TYPING = "EVENT_TYPE_LIVE_AGENT_TYPING"


@pytest.fixture
def simulator() -> Iterator[Five9Simulator]:
    simulator = Five9Simulator(retry_pause_seconds=0.2)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
async def talk(live_server: Any, settings: Any, simulator: Five9Simulator) -> AsyncIterator[Talk]:
    settings.PUBLIC_URL = live_server.url

    def open_handoff() -> Handoff:
        connected = factories.integration(
            connector_key="five9",
            integration_key="five9_integration",
            credentials=dict(SETUP.credentials(simulator.base_url)),
        )
        simulator.configure(callback_base=webhook_urls(connected)["events"])
        conversation = factories.conversation(factories.channel(connected.project))
        factories.said(conversation, "My parcel is lost")
        factories.said(conversation, "I'll transfer you.", EventType.POLY_AGENT_MESSAGE)
        with transaction.atomic():
            handoff = handoff_start(
                conversation_lock(conversation.pk),
                payload_read(
                    {"utterance": "", "handoff": {"text_chat": {"five9_integration": {}}}}
                ),
                tool_call_id="t1",
                source="test",
            )
        assert handoff is not None
        return handoff

    http = open_session(allow_local=True)
    one = Talk(await run_sync(open_handoff), simulator, http)
    timer = asyncio.create_task(_wake_again_and_again(one))
    yield one
    timer.cancel()
    await one.close()
    await http.close()
    await database_threads_rest()


async def _wake_again_and_again(talk: Talk) -> None:
    """Do what the timer of a relay worker does for sessions whose webhooks have come."""
    while True:
        talk.wake()
        await asyncio.sleep(0.1)


async def test_both_sides_talk_typing_goes_out_by_itself_and_the_live_agent_ends(
    talk: Talk,
) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(conversation_group(talk.handoff.conversation_id), channel)
    await talk.serve()
    await talk.reaches("queued")
    talk.simulator.live_agent_joins(talk.desk_id(), agent_name="Noor Halvorsen")
    await talk.reaches("active")

    talk.simulator.live_agent_types(talk.desk_id())
    began = await _typing(layer, channel, "TYPING_STATE_STARTED")
    await talk.write("Where is it?")
    await talk.arrives("Where is it?")
    over = await _typing(layer, channel, "TYPING_STATE_STOPPED")
    talk.simulator.live_agent_says(talk.desk_id(), text="In Lyon.")
    await eventually_async(talk.said_by_agent)
    talk.simulator.live_agent_ends(talk.desk_id())
    await talk.finished()

    assert over - began == pytest.approx(TYPING_SECONDS, abs=1)
    assert await talk.said_by_agent() == ["In Lyon."]
    kinds = [kind for kind, _ in await talk.journal()]
    assert kinds[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]
    assert kinds.count("LIVE_AGENT_JOINED") == 1


async def _typing(layer: Any, channel: str, state: str) -> float:
    """Wait for an indicator and return when it came."""
    while True:
        message = await asyncio.wait_for(layer.receive(channel), 10)
        frame = message.get("frame", {})
        if frame.get("type") == TYPING and frame["payload"]["state"] == state:
            return time.monotonic()
