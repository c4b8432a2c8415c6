"""What only Zendesk does: ends of many kinds, tickets that name agents, two webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.contract.connector import EndReason, VendorSession
from integrations.contract.errors import CannotConnectError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    VendorEvent,
)
from tests.contract.bench import AGENT, outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import (
    NO_SUPPORT,
    calls,
)


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


# ---- the end ----


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("status", {"status": "SOLVED"}),
        ("status", {"status": "CLOSED"}),
        ("pass_back", {}),
        ("end", {}),
        ("remove", {}),
    ],
)
async def test_whichever_way_the_live_agent_ends_it_ends_once(
    bench: WebhookBench, action: str, body: dict[str, str]
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Goodbye")
    await listener.wait_for(LiveAgentMessage)

    await bench.act(session, action, **body)
    await until(lambda: listener.has_returned)
    await connector.end(listener.session, EndReason.END_USER_LEFT)

    assert len(listener.of(ConversationEnded)) == 1


async def test_solved_ticket_is_no_end_where_the_admin_says_so_and_the_next_word_opens_it_again(
    bench: WebhookBench,
):
    connector = bench.connector(solved_ticket="goes_on")
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "status", status="SOLVED")
    await connector.send_message(listener.session, outbound("One more thing"))
    await bench.act(session, "say", text="Sure")
    await listener.wait_for(LiveAgentMessage)
    has_ended = bool(listener.of(ConversationEnded))
    await bench.act(session, "status", status="CLOSED")
    await until(lambda: listener.has_returned)

    assert not has_ended
    assert listener.texts == ["Sure"]


async def test_ticket_is_followed_after_its_tag_was_taken_away(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.desk("POST", "/config", ticket_events_have_tags=False)

    await bench.act(session, "status", status="SOLVED")
    await until(lambda: listener.has_returned)

    assert listener.of(ConversationEnded)


async def test_end_takes_control_back_and_tells_the_live_agent_why_once(bench: WebhookBench):
    session, _ = await bench.started(bench.connector())
    await bench.fault(
        "fail_next", status=503, count=1, path_suffix="/passControl", after_accept=False
    )

    with pytest.raises(CannotConnectError):
        await bench.connector().end(session, EndReason.IDLE_TIMEOUT)
    await bench.connector().end(session, EndReason.IDLE_TIMEOUT)

    row = await bench.seen_by_agent(session)
    said = [m["text"] for m in row["messages"] if "nobody wrote any more" in m["text"]]
    assert len(said) == 1
    assert row["status"] == "ended"
    assert len(await calls(bench, "/releaseControl")) == 1


# ---- what live agents alone read ----


@pytest.mark.parametrize("token", ["simulated-support-api-token", "wrong"])
async def test_a_private_note_is_in_no_message_and_becomes_an_internal_note_with_a_token(
    bench: WebhookBench, token: str
):
    connector = bench.connector(support_api_token=token)
    session, listener = await bench.started(connector, routing={"note": "Was rude before."})
    await listener.wait_for(LiveAgentJoined)
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)

    row = await bench.seen_by_agent(session)
    found = [m["name"] for m in row["messages"] if "Was rude before." in m["text"]]
    assert found == (["Internal note"] if token != "wrong" else [])
    assert row["attributes"]["note"] == "Was rude before."
    assert listener.error is None


# ---- who is there ----


async def test_without_an_api_token_the_first_message_names_the_live_agent(bench: WebhookBench):
    connector = bench.connector(**NO_SUPPORT)
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "say", text="Hello")
    [said] = await listener.wait_for(LiveAgentMessage)

    assert said.agent_name == AGENT
    assert await calls(bench, ".json", "GET") == []


async def test_token_that_is_refused_costs_the_name_and_nothing_else(bench: WebhookBench):
    connector = bench.connector(support_api_token="wrong")
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Hello")
    [said] = await listener.wait_for(LiveAgentMessage)

    assert said.agent_name == AGENT
    assert listener.error is None


def spoken(events: list[VendorEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, LiveAgentMessage)]


async def test_trigger_speaks_as_a_bot_and_an_ignored_author_not_at_all(bench: WebhookBench):
    connector = bench.connector(ignored_authors=f"Survey bot, {AGENT}")
    session, listener = await bench.started(connector)

    await bench.act(session, "say", text="Unheard")
    await bench.act(session, "trigger", text="All live agents are busy")
    await until(lambda: "All live agents are busy" in spoken(listener.events))

    assert spoken(listener.events) == ["All live agents are busy"]
    assert listener.of(LiveAgentJoined) == []


async def test_merged_user_keeps_talking_in_the_conversation_that_survives(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await bench.act(session, "merge")
    await until(lambda: listener.session.vendor_conversation_id != session.vendor_conversation_id)
    merged: VendorSession = listener.session
    await connector.send_message(merged, outbound("Still here"))

    assert "Still here" in await bench.said_by(merged, "end_user")


# ---- webhooks ----


async def test_calls_with_the_wrong_secret_change_nothing(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("wrong_secret")

    await bench.act(session, "say", text="Forged")
    await until(lambda: 401 in bench.portal.answers)
    await bench.act(session, "say", text="Genuine")
    await until(lambda: "Genuine" in listener.texts)

    assert listener.texts == ["Genuine"]


async def test_what_was_said_while_the_portal_was_down_arrives_when_it_is_back(
    bench: WebhookBench,
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    bench.portal.down = 503
    await bench.act(session, "say", text="Are you there?")
    await until(lambda: 503 in bench.portal.answers)

    bench.portal.down = None
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["Are you there?"]
