"""Who comes and goes: told by one shared socket, asked for when the socket cannot tell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract.connector import EndReason
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    NoLiveAgents,
    TransferStarted,
)
from tests.contract.bench import until
from tests.vendors.desk import AGENT
from tests.vendors.genesys.portal import (
    QUICK,
    Genesys,
    Handoff,
    Portal,
    running_portal,
)
from tests.waiting import eventually_async

# The socket alone is quick enough for these: asking would come too late.
# Silence for longer than a busy machine takes: no heartbeat comes so soon.
SOCKET_ONLY = replace(QUICK, poll=60, poll_alone=60, silence=60)


@pytest.fixture
async def portal(genesys: Genesys) -> AsyncIterator[Portal]:
    async with running_portal(genesys, rate_limit_per_minute=100000) as portal:
        yield portal


async def subscriptions(portal: Portal) -> list[set[str]]:
    """Return the conversations named in each subscription so far."""
    found = await portal.requests(containing="/subscriptions")
    return [{topic["id"].split(".")[4] for topic in body_of(row)} for row in found]


def body_of(row: dict[str, Any]) -> Any:
    body = row["body"]
    return json.loads(body) if isinstance(body, str) else body


async def carried(portal: Portal, *handoffs: Handoff) -> None:
    """Wait until Genesys has taken the topics of conversations."""
    wanted = {handoff.conversation_id for handoff in handoffs}

    async def is_so() -> bool:
        return wanted <= set().union(*await subscriptions(portal))

    await eventually_async(is_so)


async def test_live_agent_is_announced_by_name_within_a_moment(portal: Portal):
    handoff = await portal.started(portal.connector(SOCKET_ONLY), accept=False)
    await carried(portal, handoff)

    await portal.act(handoff, "accept", agent_name=AGENT)
    [joined] = await handoff.wait_for(LiveAgentJoined)

    assert joined.agent_name == AGENT


async def test_many_conversations_share_one_channel_and_one_socket(portal: Portal):
    connector = portal.connector(SOCKET_ONLY)
    handoffs = [await portal.started(connector, accept=False) for _ in range(50)]
    await carried(portal, *handoffs)

    for number, handoff in enumerate(handoffs):
        await portal.act(handoff, "accept", agent_name=f"Agent {number}")
    for handoff in handoffs:
        await handoff.wait_for(LiveAgentJoined)

    assert (
        len(await portal.requests(method="POST", containing="/notifications/channels"))
        - len(await portal.requests(method="POST", containing="/subscriptions"))
        == 1
    )
    names = {handoff.of(LiveAgentJoined)[0].agent_name for handoff in handoffs}
    assert names == {f"Agent {number}" for number in range(50)}


async def test_topics_of_a_conversation_that_is_over_are_given_back(portal: Portal):
    connector = portal.connector()
    first = await portal.started(connector)
    second = await portal.started(connector)
    await carried(portal, second)

    await portal.act(first, "end")
    await until(lambda: first.has_returned)

    async def is_so() -> bool:
        return (await subscriptions(portal))[-1] == {second.conversation_id}

    await eventually_async(is_so)
    [last] = (await portal.requests(containing="/subscriptions"))[-1:]
    assert last["method"] == "PUT"
    assert len(body_of(last)) == 3


@pytest.mark.parametrize("timing", [SOCKET_ONLY, QUICK])
async def test_transfer_to_a_colleague_ends_nothing(portal: Portal, timing):
    handoff = await portal.started(portal.connector(timing))
    await handoff.wait_for(LiveAgentJoined)

    await portal.act(handoff, "transfer", agent_name="Sam Achterberg")
    _, second = await handoff.wait_for(LiveAgentJoined, 2)
    await portal.act(handoff, "say", text="Sam here")
    [said] = await handoff.wait_for(LiveAgentMessage)

    assert second.agent_name == "Sam Achterberg"
    assert (said.agent_id, said.agent_name) == (second.agent_id, "Sam Achterberg")
    assert len(handoff.of(TransferStarted)) == 1
    assert len(handoff.of(LiveAgentLeft)) == 1
    assert handoff.of(ConversationEnded) == []


async def test_transfer_to_a_queue_waits_for_whoever_comes_next(portal: Portal):
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)

    await portal.act(handoff, "transfer", queue="Billing")
    await handoff.wait_for(LiveAgentLeft)
    assert (await portal.conversation(handoff))["queue"] == "Billing"
    await portal.act(handoff, "accept", agent_name="Sam Achterberg")
    await handoff.wait_for(LiveAgentJoined, 2)

    assert len(handoff.of(TransferStarted)) == 1
    assert not handoff.has_returned


async def test_end_by_the_live_agent_is_told_as_theirs(portal: Portal):
    handoff = await portal.started(portal.connector(SOCKET_ONLY))
    await handoff.wait_for(LiveAgentJoined)

    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    [ended] = handoff.of(ConversationEnded)
    assert handoff.events[-1] is ended
    assert ended.ended_by == "Agent"
    assert handoff.of(NoLiveAgents) == []
    assert handoff.of(TransferStarted) == []


async def test_end_by_the_end_user_is_told_as_theirs_and_twice_is_fine(portal: Portal):
    connector = portal.connector()
    handoff = await portal.started(connector)
    await handoff.wait_for(LiveAgentJoined)

    await connector.end(handoff.session, EndReason.END_USER_ENDED)
    await connector.end(handoff.session, EndReason.END_USER_ENDED)
    await until(lambda: handoff.has_returned)

    assert (await portal.conversation(handoff))["status"] == "ended"
    [ended] = handoff.of(ConversationEnded)
    assert ended.ended_by == "EndUser"
    assert len(await portal.requests(method="PATCH")) == 1


async def test_flow_that_ends_without_a_live_agent_is_nobody_answering(portal: Portal):
    handoff = await portal.started(portal.connector(), accept=False)

    await portal.act(handoff, "fail_routing")
    await until(lambda: handoff.has_returned)

    assert len(handoff.of(NoLiveAgents)) == 1
    assert isinstance(handoff.events[-1], ConversationEnded)


async def test_live_agent_whose_desktop_only_rings_has_not_joined(portal: Portal):
    await portal.configure(user_start_at="alerting")
    handoff = await portal.started(portal.connector(), accept=False)
    await carried(portal, handoff)

    await portal.act(handoff, "alert", agent_name="Mia Lund")
    await portal.act(handoff, "decline")
    await portal.act(handoff, "alert", agent_name=AGENT)
    await portal.act(handoff, "accept", agent_name=AGENT)
    await handoff.wait_for(LiveAgentJoined)

    assert [event.agent_name for event in handoff.of(LiveAgentJoined)] == [AGENT]
    assert handoff.of(LiveAgentLeft) == []
    assert handoff.of(TransferStarted) == []


async def test_socket_that_drops_is_opened_again_with_all_topics(portal: Portal):
    connector = portal.connector()
    first = await portal.started(connector, accept=False)
    second = await portal.started(connector, accept=False)
    await carried(portal, first, second)
    before = len(await subscriptions(portal))

    await portal.fault("drop_streams")
    await portal.act(first, "accept", agent_name=AGENT)
    await first.wait_for(LiveAgentJoined)

    async def is_so() -> bool:
        return (await subscriptions(portal))[before:] == [
            {one.conversation_id for one in (first, second)}
        ]

    await eventually_async(is_so)
    await portal.act(second, "accept", agent_name="Sam Achterberg")
    await second.wait_for(LiveAgentJoined)


@pytest.mark.parametrize("fault", ["socket_closing", "expire_channels"])
async def test_channel_that_genesys_gives_up_is_replaced(portal: Portal, fault: str):
    handoff = await portal.started(portal.connector(replace(QUICK, poll_alone=60)))
    await handoff.wait_for(LiveAgentJoined)
    await carried(portal, handoff)
    before = len(await subscriptions(portal))

    await portal.fault(fault)

    async def is_so() -> bool:
        return len(await subscriptions(portal)) > before

    await eventually_async(is_so)
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert len(handoff.of(ConversationEnded)) == 1


async def test_news_that_the_socket_loses_is_found_by_asking(portal: Portal):
    handoff = await portal.started(portal.connector(replace(QUICK, poll=0.5)), accept=False)
    await carried(portal, handoff)

    await portal.fault("lose_notifications", count=100)
    await portal.act(handoff, "accept", agent_name=AGENT)
    await handoff.wait_for(LiveAgentJoined)
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert len(handoff.of(ConversationEnded)) == 1


async def test_without_notifications_asking_is_enough(portal: Portal):
    handoff = await portal.started(portal.connector(use_notifications="false"))

    await handoff.wait_for(LiveAgentJoined)
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert await portal.requests(containing="/notifications") == []


async def test_topics_that_the_role_may_not_have_are_made_up_for_by_asking(portal: Portal):
    allowed = portal.simulator.configuration()["permissions"]
    await portal.configure(
        permissions=[name for name in allowed if not name.startswith("analytics:")]
    )
    handoff = await portal.started(portal.connector())

    await handoff.wait_for(LiveAgentJoined)
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert await subscriptions(portal)


async def test_conversations_beyond_the_channels_topics_are_asked_about(portal: Portal):
    connector = portal.connector(replace(QUICK, poll=60), max_followed=1)
    first = await portal.started(connector)
    await carried(portal, first)
    second = await portal.started(connector)

    await second.wait_for(LiveAgentJoined)
    await portal.act(first, "end")
    await until(lambda: first.has_returned)
    await carried(portal, second)

    assert all(len(topics) <= 1 for topics in await subscriptions(portal))


async def test_another_worker_tells_the_same_under_the_same_ids(portal: Portal):
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    await portal.act(handoff, "transfer", agent_name="Sam Achterberg")
    await handoff.wait_for(LiveAgentJoined, 2)
    await handoff.stop()

    other = portal.follow(portal.connector(), handoff.session)
    await other.wait_for(LiveAgentJoined, 2)

    def told(events):
        return [e.vendor_event_id for e in events if not isinstance(e, LiveAgentMessage)]

    assert sorted(told(other.events)) == sorted(told(handoff.events))
