"""A chat that cannot be reached any more: no silent end here, no live agent left alone there."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from conversations.event_loop.executor import run_sync
from conversations.journal.publish import conversation_group
from handoffs.models import Handoff
from handoffs.relay import ending
from integrations.http.client import open_session
from integrations.models import Integration
from integrations.vendors.amazon_connect.connector import connector as connector_module
from integrations.vendors.amazon_connect.connector.stream import SocketTiming
from tests import factories
from tests.contract.vendors import SETUPS
from tests.handoffs.talk import Talk, active
from tests.vendors.amazon_connect.test_refused import EVERYTHING
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def talk(simulator: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    """A conversation that a live agent has; the portal soon gives up what is refused."""
    quick = functools.partial(SocketTiming, refused=1.0, first_delay=0.05, max_delay=0.2)
    monkeypatch.setattr(connector_module, "SocketTiming", quick)
    simulator.configure(external_id=SETUPS["amazon_connect"].credentials(url)["external_id"])
    made: list[Talk] = []
    async with open_session(allow_local=True) as http:

        async def make() -> Talk:
            made.append(Talk(await run_sync(requested, url), simulator, http))
            return made[-1]

        yield await active(make)
        for one in made:
            await one.close()
    await database_threads_rest()


def requested(url: str) -> Handoff:
    handoff = factories.handoff()
    handoff.integration = factories.integration(
        handoff.conversation.project,
        connector_key="amazon_connect",
        integration_key="amazon_connect_integration",
        credentials=dict(SETUPS["amazon_connect"].credentials(url)),
    )
    handoff.save()
    return handoff


def refuse(one: Talk, **switches: Any) -> None:
    """Refuse all that the customer's side may do, and cut its sockets."""
    one.simulator.configure(refused_operations=EVERYTHING, **switches)
    one.simulator.drop_streams()


async def test_a_live_agents_words_take_the_typing_back_that_amazon_never_does(talk: Talk):
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(conversation_group(talk.handoff.conversation_id), channel)

    async def state() -> str:
        while True:
            message = await asyncio.wait_for(layer.receive(channel), 10)
            frame = message.get("frame", {})
            if frame.get("type") == "EVENT_TYPE_LIVE_AGENT_TYPING":
                return frame["payload"]["state"]

    talk.simulator.live_agent_types(talk.desk_id(), is_typing=True)
    shown = await state()
    talk.simulator.live_agent_says(talk.desk_id(), text="In Lyon.")

    assert [shown, await state()] == ["TYPING_STATE_STARTED", "TYPING_STATE_STOPPED"]


async def test_a_chat_that_is_refused_fails_visibly_and_is_stopped_at_amazon(talk: Talk):
    refuse(talk)

    await talk.reaches("failed")
    await talk.finished()

    assert ("HANDOFF_FAILED", "listener_lost") in await talk.journal()
    assert talk.desk()["status"] == "ended"


async def test_a_live_agent_may_go_on_after_a_refusal_that_passes(talk: Talk):
    refuse(talk)
    talk.simulator.live_agent_says(talk.desk_id(), text="Are you there?")
    await eventually_async(lambda: 403 in connections(talk))
    talk.simulator.configure(refused_operations=[])

    await eventually_async(lambda: holds(talk, "Are you there?"))

    assert (await talk.now()).state == "active"


async def test_a_revoked_role_shows_on_the_tile_and_the_chat_is_stopped_when_it_is_back(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ending, "_REFUSED_BASE_SECONDS", 0.05)
    refuse(talk, may_assume_role=False)
    talk.simulator.expire_tokens()

    await talk.reaches("failed")
    await eventually_async(lambda: run_sync(tile, talk))
    assert talk.desk()["status"] == "active"
    talk.simulator.configure(may_assume_role=True)
    await talk.finished()

    assert await run_sync(tile, talk) == ("needs_attention", "invalid_auth")
    assert ("HANDOFF_FAILED", "listener_lost") in await talk.journal()
    assert talk.desk()["status"] == "ended"
    assert (await talk.now()).vendor_end_until is None


def tile(one: Talk) -> tuple[str, str] | None:
    """Return status and fault of the integration's tile; None while it is well."""
    assert one.handoff.integration is not None
    found = Integration.objects.get(pk=one.handoff.integration.pk)
    return (found.status, found.last_error_code) if found.last_error_code else None


async def holds(one: Talk, word: str) -> bool:
    return word in await one.said_by_agent()


def connections(one: Talk) -> list[int | None]:
    """Return how each request for a connection was answered."""
    made = one.simulator.requests.all()
    return [request.status for request in made if request.path == "/participant/connection"]
