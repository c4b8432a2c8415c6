"""A project connected to one simulated vendor, and its handoffs through the portal's own relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.db import transaction

from conversations.journal.frames import EventType
from conversations.journal.services import conversation_lock
from handoffs.models import Handoff
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_start
from integrations.connections.addresses import takes_webhooks, webhook_urls
from integrations.contract.registry import manifest_get
from integrations.http.client import open_session
from integrations.models import Integration
from integrations.simulators.simulator import Simulator
from tests import factories
from tests.contract.vendors import SETUPS
from tests.handoffs.talk import Talk
from tests.waiting import database_threads_rest


def connect(key: str, simulator: Simulator, **fields: Any) -> Integration:
    """Connect a project of its own, and tell the vendor where the portal is."""
    setup = SETUPS[key]
    made = factories.integration(
        connector_key=key,
        integration_key=manifest_get(key).integration_key,
        credentials=dict(setup.credentials(simulator.base_url)),
        **fields,
    )
    if setup.webhook_config is not None and takes_webhooks(key):
        address = webhook_urls(made)["events"].removesuffix("/events")
        simulator.configure(**setup.webhook_config(address))
    return made


def hand_off(connected: Integration, **hints: Any) -> Handoff:
    """Let a conversation of two lines ask for a live agent."""
    conversation = factories.conversation(factories.channel(connected.project))
    factories.said(conversation, "My parcel is lost")
    factories.said(conversation, "I'll transfer you.", EventType.POLY_AGENT_MESSAGE)
    wanted = {"text_chat": {connected.integration_key: hints}}
    with transaction.atomic():
        handoff = handoff_start(
            conversation_lock(conversation.pk),
            payload_read({"utterance": "", "handoff": wanted}),
            tool_call_id="t1",
            source="test",
        )
    assert handoff is not None
    return handoff


@asynccontextmanager
async def relayed(handoff: Handoff, simulator: Any) -> AsyncIterator[Talk]:
    """Give a handoff to relay workers of the test's, with a clock that looks for webhooks."""
    http = open_session(allow_local=True)
    talk = Talk(handoff, simulator, http)
    timer = asyncio.create_task(_wake_again_and_again(talk))
    try:
        yield talk
    finally:
        timer.cancel()
        await talk.close()
        await http.close()
        await database_threads_rest()


async def _wake_again_and_again(talk: Talk) -> None:
    """Do what the timer of a relay worker does for sessions whose webhooks have come."""
    while True:
        talk.wake()
        await asyncio.sleep(0.1)
