"""How a handoff reaches the live agents, whoever has control first, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from integrations.contract.connector import EndReason
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidRoutingError,
)
from integrations.contract.events import ConversationEnded, LiveAgentMessage, NoLiveAgents
from integrations.vendors.zendesk.mapping.outgoing import user_external_id
from tests.contract.bench import AGENT, handoff_request, outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import conversations
from tests.vendors.zendesk.simulator_harness import Caller


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


async def test_ticket_is_made_of_hints_tags_and_fields(bench: WebhookBench):
    connector = bench.connector(summary_field_id="36001", conversation_field_id="36002")

    session, _ = await bench.started(
        connector,
        routing={
            "subject": "Parcel BL-20931",
            "tags": ["vip"],
            "ticket_fields": {"36009": "returns"},
            "summary": "Wants a refund",
        },
    )

    row = await bench.seen_by_agent(session)
    assert row["session_fields"]["Subject"] == "Parcel BL-20931"
    assert "vip" in row["session_fields"]["Tags"]
    assert row["attributes"]["dataCapture.ticketField.36009"] == "returns"
    assert row["attributes"]["dataCapture.ticketField.36001"] == "Wants a refund"
    assert row["attributes"]["dataCapture.ticketField.36002"] == "cv_ines"


@pytest.mark.parametrize("default", ["answer_bot", "agent_workspace", "own"])
@pytest.mark.parametrize("target", ["zd-agentWorkspace", "next"])
async def test_whoever_has_control_first_one_ticket_is_made_and_replies_arrive(
    bench: WebhookBench, default: str, target: str
):
    await bench.desk("POST", "/config", default_switchboard=default)
    connector = bench.connector(switchboard_integration_name=target)

    session, listener = await bench.started(connector, routing={"tags": ["vip"]})
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)

    row = await bench.seen_by_agent(session)
    assert len(row["sessions"]) == 1
    assert "vip" in row["session_fields"]["Tags"]
    assert listener.texts == ["Hello"]
    assert listener.of(ConversationEnded) == []


async def test_own_entry_is_learnt_where_it_comes_first_and_no_name_was_given(bench: WebhookBench):
    await bench.desk("POST", "/config", default_switchboard="own")
    connector = bench.connector(own_switchboard_name="")

    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)
    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("switchboard_integration_name", "zd-nobody"), ("own_switchboard_name", "somebody")],
)
async def test_unknown_switchboard_name_names_its_field_and_the_right_one_then_works(
    bench: WebhookBench, field: str, wrong: str
):
    request = handoff_request()
    with pytest.raises(InvalidRoutingError) as caught:
        await bench.connector(**{field: wrong}).start(request)

    session = await bench.connector().start(request)

    assert caught.value.field == field
    assert [row["id"] for row in await conversations(bench)] == [session.vendor_conversation_id]


@pytest.mark.parametrize(
    "lost",
    ["/users", "/conversations", "/messages", "/passControl", "/offerControl"],
)
async def test_start_whose_answer_was_lost_is_repeated_without_a_second_of_anything(
    bench: WebhookBench, lost: str
):
    request = handoff_request()
    await bench.fault("fail_next", status=503, count=1, path_suffix=lost, after_accept=True)
    with pytest.raises(CannotConnectError):
        await bench.connector().start(request)

    session = await bench.connector().start(request)

    [row] = await conversations(bench)
    texts = [message["text"] for message in row["messages"]]
    assert row["id"] == session.vendor_conversation_id
    assert len(texts) == len(set(texts)) == 1
    assert len(row["sessions"]) == 1


async def test_repeated_start_finds_its_conversation_among_more_than_fit_a_page(
    bench: WebhookBench,
):
    request = handoff_request()
    async with aiohttp.ClientSession(bench.url) as http:
        caller = Caller(http)
        user = await caller.user(user_external_id(request))
        body = {"type": "personal", "participants": [{"userId": user["id"]}]}
        await asyncio.gather(*(caller.on("POST", "/conversations", body) for _ in range(100)))
    await bench.fault("fail_next", status=503, path_suffix="/offerControl", after_accept=True)
    with pytest.raises(CannotConnectError):
        await bench.connector().start(request)

    session = await bench.connector().start(request)

    assert [row["id"] for row in await conversations(bench)] == [session.vendor_conversation_id]


async def test_target_that_is_refused_by_an_event_alone_means_that_nobody_will_come(
    bench: WebhookBench,
):
    await bench.desk("POST", "/config", is_control_failure_quiet=True)
    connector = bench.connector(switchboard_integration_name="zd-nobody")

    listener = bench.listen(connector, await connector.start(handoff_request()))
    [refused] = await listener.wait_for(NoLiveAgents)

    assert "switchboard_invalid_target" in refused.detail


async def test_each_handoff_has_a_conversation_of_its_own_unless_there_may_be_one_only(
    bench: WebhookBench,
):
    first = await bench.connector().start(handoff_request())
    second = await bench.connector().start(handoff_request())
    single = await bench.connector(conversation_type="single").start(handoff_request())
    hinted = await bench.connector().start(handoff_request(routing={"conversation_type": "single"}))

    ids = [s.vendor_conversation_id for s in (first, second, single, hinted)]
    assert ids[0] != ids[1]
    assert ids[2] in ids[:2]
    assert ids[3] in ids[:2]


async def test_second_handoff_of_one_conversation_hears_the_open_ticket_and_nothing_old(
    bench: WebhookBench,
):
    connector = bench.connector(conversation_type="single")
    first, listener = await bench.started(connector)
    await bench.act(first, "say", text="Old")
    await listener.wait_for(LiveAgentMessage)
    await connector.end(first, EndReason.END_USER_LEFT)
    await until(lambda: listener.has_returned)

    second, again = await bench.started(connector, accept=False)
    await bench.act(second, "accept", agent_name=AGENT)
    await bench.act(second, "say", text="New")
    await again.wait_for(LiveAgentMessage)
    await bench.act(second, "status", status="SOLVED")
    await until(lambda: again.has_returned)

    assert second.vendor_conversation_id == first.vendor_conversation_id
    assert set(first.keys) < set(second.keys)
    assert again.texts == ["New"]


async def test_full_conversation_is_left_for_a_new_one(bench: WebhookBench):
    first = await bench.connector().start(handoff_request())
    await bench.desk("POST", "/config", message_limit=1)
    connector = bench.connector(conversation_type="single")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(first, outbound("No room"))
    second = await connector.start(handoff_request(routing={"transcript": "none"}))

    assert second.vendor_conversation_id != first.vendor_conversation_id
