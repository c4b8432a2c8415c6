"""Whose phone sleeps is away for the live agent, and whose has woken is back: told once each."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal.publish import relay_group
from conversations.models import Channel, Conversation
from handoffs.clocks.presence import presence_note_all
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.models import Handoff, RelayWorker
from handoffs.receiving.agents import agent_joined
from handoffs.states import State
from integrations.contract.events import LiveAgentJoined
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def served(state: State = State.QUEUED) -> Handoff:
    """Return a handoff that a relay worker owns."""
    handoff = factories.handoff(state=state)
    worker = RelayWorker.objects.create(heartbeat_at=timezone.now())
    Handoff.objects.filter(pk=handoff.pk).update(owner=worker)
    return factories.fresh(handoff)


def heard(handoff: Handoff, *, seconds_ago: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Conversation.objects.filter(pk=handoff.conversation_id).update(last_seen_at=at)


def asleep() -> float:
    return settings.HANDOFF_AWAY_SECONDS + 5


async def told(handoff: Handoff, act, number: int = 0) -> list[str]:
    """Return the signals that the handoff's owner hears of while something happens."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(relay_group(handoff.owner_id), channel)
    await run_sync(act)
    names: list[str] = []
    with suppress(TimeoutError):
        while True:
            patience = 20 if len(names) < number else 0.3
            message = await asyncio.wait_for(layer.receive(channel), patience)
            names += [message["signal"]] if message["type"] == "relay.signal" else []
    await layer.group_discard(relay_group(handoff.owner_id), channel)
    return names


def joins(handoff: Handoff) -> None:
    event = LiveAgentJoined(
        agent_id="a1",
        agent_name="Noor",
        vendor_event_id="v1",
        vendor_conversation_id="c1",
        occurred_at=timezone.now(),
    )
    with transaction.atomic(), handoff_locked(handoff.pk) as locked:
        handoff_save(locked, agent_joined(locked, event))


@pytest.mark.parametrize("state", [State.QUEUED, State.ACTIVE])
async def test_away_and_back_are_told_once_each(state):
    handoff = await run_sync(served, state)

    def sleeps_and_wakes() -> None:
        presence_note_all()
        heard(handoff, seconds_ago=asleep())
        presence_note_all()
        presence_note_all()
        heard(handoff, seconds_ago=0)
        presence_note_all()
        presence_note_all()

    assert await told(handoff, sleeps_and_wakes, 2) == ["away", "back"]


async def test_a_live_agent_who_joins_is_told_of_who_is_away():
    handoff = await run_sync(served)

    def joins_meanwhile() -> None:
        heard(handoff, seconds_ago=asleep())
        presence_note_all()
        joins(handoff)
        presence_note_all()

    assert await told(handoff, joins_meanwhile, 2) == ["away", "away"]


@pytest.mark.parametrize("of", ["the Chat API", "another kind of channel", "nobody's worker"])
async def test_nothing_is_said_of_who_has_no_sign_of_life_to_give(of):
    handoff = await run_sync(served)

    def is_silent() -> None:
        rows = Conversation.objects.filter(pk=handoff.conversation_id)
        if of == "the Chat API":
            rows.update(api_channel="api")
        elif of == "another kind of channel":
            Channel.objects.update(kind=Channel.Kind.CHAT)
        else:
            Handoff.objects.update(owner=None)
        heard(handoff, seconds_ago=asleep())
        presence_note_all()

    assert await told(handoff, is_silent) == []
