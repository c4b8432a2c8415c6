"""The pretend service posts as the contract asks: in order, each event until it is answered."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from config.demo.embedded import free_port
from integrations.vendors.custom.simulator import CustomSimulator
from integrations.vendors.custom.simulator.simulator import EXTRA_FAULTS
from integrations.vendors.custom.simulator.world import REPEATED_SECONDS, SIGNING_SECRET
from tests.contract.bench import handoff_request
from tests.vendors.custom.conftest import Connect
from tests.vendors.custom.events_url import EventsUrl
from tests.waiting import eventually_async

TEXTS = [f"Line {number}" for number in range(6)]


@pytest.fixture
async def portal(simulator: CustomSimulator) -> AsyncIterator[EventsUrl]:
    portal = EventsUrl(free_port())
    simulator.configure(events_url=portal.url)
    yield portal
    simulator.reset()
    await portal.close()


@pytest.fixture
async def handoff(connect: Connect, simulator: CustomSimulator, portal: EventsUrl) -> str:
    """A handoff that Noor has accepted; the portal has been told, or will be."""
    session = await connect().start(handoff_request())
    simulator.live_agent_joins(session.vendor_conversation_id, agent_name="Noor Halvorsen")
    return session.vendor_conversation_id


def say(simulator: CustomSimulator, handoff: str, texts: list[str] = TEXTS) -> None:
    for text in texts:
        simulator.live_agent_says(handoff, text=text)


def texts_of(portal: EventsUrl) -> list[str]:
    return [event["data"]["text"] for event in portal.taken if event["type"] == "message"]


async def until_told(portal: EventsUrl, kind: str) -> None:
    await eventually_async(lambda: any(event["type"] == kind for event in portal.taken))


async def test_what_was_said_while_nobody_answered_comes_in_order(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    say(simulator, handoff)
    simulator.live_agent_ends(handoff)
    await eventually_async(lambda: len(simulator.sent_webhooks()) > 10)

    await portal.open()
    await until_told(portal, "closed")

    assert texts_of(portal) == TEXTS
    assert [one["type"] for one in portal.taken[:2]] == ["accepted", "joined"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_event_is_repeated_with_a_new_signature_before_the_next_is_posted(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str, status: int
):
    await portal.open()
    await until_told(portal, "joined")
    portal.status = status
    say(simulator, handoff)
    await eventually_async(lambda: len({one.timestamp for one in portal.attempts}) > 2)

    portal.status = 200
    simulator.live_agent_ends(handoff)
    await until_told(portal, "closed")

    refused = [one for one in portal.attempts if one.status == status]
    assert {one.event["data"]["text"] for one in refused} == {TEXTS[0]}
    assert len({one.event["event_id"] for one in refused}) == 1
    assert len({one.signature for one in refused}) > 1
    assert all(one.is_signed_with(SIGNING_SECRET) for one in portal.attempts)
    assert texts_of(portal) == TEXTS


async def test_an_event_that_is_refused_for_good_does_not_hold_up_the_next(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    portal.refused.add("joined")
    await portal.open()

    say(simulator, handoff)
    await eventually_async(lambda: texts_of(portal) == TEXTS)

    assert [one.status for one in portal.attempts if one.event["type"] == "joined"] == [422]


async def test_one_handoff_does_not_wait_for_another(
    connect: Connect, simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    await portal.open()
    await until_told(portal, "joined")
    elsewhere = EventsUrl(free_port())  # where nobody will ever answer
    simulator.configure(events_url="")
    stuck = await connect().start(handoff_request(webhook_url=elsewhere.url))
    simulator.configure(events_url=portal.url)

    say(simulator, handoff)
    simulator.live_agent_joins(stuck.vendor_conversation_id, agent_name="Ida Brandt")
    await eventually_async(lambda: texts_of(portal) == TEXTS)

    assert stuck.vendor_conversation_id not in {one["external_id"] for one in portal.taken}


async def test_events_can_still_be_doubled_and_swapped(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    await portal.open()
    await until_told(portal, "joined")

    simulator.duplicate_next(event="message")
    say(simulator, handoff, ["one"])
    simulator.swap_next_two(event="message")
    say(simulator, handoff, ["two", "three"])
    await eventually_async(lambda: len(texts_of(portal)) == 4)

    assert texts_of(portal) == ["one", "one", "three", "two"]
    first, second = (one["event_id"] for one in portal.taken if one["data"].get("text") == "one")
    assert first == second


async def test_the_oldest_are_replayed_in_their_turn_and_signed_anew(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    say(simulator, handoff)
    EXTRA_FAULTS["replay_oldest"](simulator, {"count": 2})
    simulator.live_agent_ends(handoff)

    await portal.open()
    await until_told(portal, "closed")

    assert texts_of(portal) == [*TEXTS, *TEXTS[:2]]
    told = [one for one in portal.taken if one["type"] == "message"]
    assert told[-2:] == told[:2]
    assert all(one.is_signed_with(SIGNING_SECRET) for one in portal.attempts)


async def test_a_reset_forgets_what_could_not_be_posted(
    connect: Connect, simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    say(simulator, handoff)
    await eventually_async(lambda: simulator.sent_webhooks())

    simulator.reset()
    await portal.open()
    session = await connect().start(handoff_request())
    await until_told(portal, "accepted")

    assert {one["external_id"] for one in portal.taken} == {session.vendor_conversation_id}


async def test_each_event_is_posted_one_at_a_time(
    simulator: CustomSimulator, portal: EventsUrl, handoff: str
):
    simulator.stall_streams(seconds=0.2)
    await portal.open()

    say(simulator, handoff)
    await eventually_async(lambda: texts_of(portal) == TEXTS)

    order = [one.event["event_id"] for one in portal.attempts]
    assert len(list(itertools.groupby(order))) == len(set(order))


def test_events_are_repeated_for_longer_than_the_contract_asks():
    assert REPEATED_SECONDS >= 180
