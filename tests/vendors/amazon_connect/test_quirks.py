"""What only Amazon Connect does: sockets that age, tokens that end, transfers, disconnect flows."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract.connector import Connector, EndReason, OutboundAttachment, VendorSession
from integrations.contract.errors import (
    InvalidRoutingError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
)
from integrations.vendors.amazon_connect.connector.stream import SocketTiming
from tests.contract.bench import (
    AGENT,
    WAIT_SECONDS,
    Bench,
    Listener,
    handoff_request,
    outbound,
    running_bench,
    until,
    until_seen,
)
from tests.contract.vendors import build_connector

TIMING = SocketTiming(beat=0.2, idle=5, give_up=3, first_delay=0.05, max_delay=0.1)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


def connector_with(bench: Bench, timing: SocketTiming, **changes: str) -> Connector:
    """Make a connector as the bench does, with waits of the test's own."""
    made = bench.connector(**changes)
    return build_connector(
        "amazon_connect",
        {"timing": timing},
        credentials=made._credentials,
        http=made._http,
        tokens=bench.tokens,
    )


async def switch(bench: Bench, **switches: object) -> None:
    await bench.desk("POST", "/config", **switches)


async def requests(bench: Bench, ending: str) -> list[dict[str, Any]]:
    found = await bench.desk("GET", "/requests")
    return [row for row in found if row["path"].endswith(ending)]


async def until_connections(bench: Bench, count: int) -> None:
    """Wait for the listener to have asked for a connection that often."""
    await until_requests(bench, "/participant/connection", count)


async def until_requests(bench: Bench, ending: str, count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while len(await requests(bench, ending)) < count:
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


async def talking(bench: Bench, connector: Connector) -> tuple[VendorSession, Listener]:
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    return session, listener


async def test_sockets_are_replaced_before_amazon_cuts_them(bench: Bench):
    connector = connector_with(bench, replace(TIMING, lifetime=0.3))
    session, listener = await talking(bench, connector)

    for number in range(12):
        await bench.act(session, "say", text=f"line {number}")
        await listener.wait_for(LiveAgentMessage, number + 1)
        if number % 4 == 3:
            connections = len(await requests(bench, "/participant/connection"))
            await until_connections(bench, connections + 1)

    assert listener.texts == [f"line {number}" for number in range(12)]


async def test_unanswered_heartbeats_bring_a_new_socket(bench: Bench):
    connector = connector_with(bench, replace(TIMING, idle=0.5))
    session, listener = await talking(bench, connector)
    connections = len(await requests(bench, "/participant/connection"))

    await switch(bench, answer_heartbeats=False)
    await until_connections(bench, connections + 1)
    await switch(bench, answer_heartbeats=True)
    await bench.act(session, "say", text="after the silence")

    await until(lambda: listener.texts == ["after the silence"])


async def test_a_backend_that_has_lost_us_brings_a_new_socket(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    connections = len(await requests(bench, "/participant/connection"))

    await switch(bench, deep_heartbeat_status=500)
    await until_connections(bench, connections + 1)
    await switch(bench, deep_heartbeat_status=200)
    await bench.act(session, "say", text="found again")

    await until(lambda: listener.texts == ["found again"])


async def test_a_refused_subscription_is_asked_for_again(bench: Bench):
    await switch(bench, failing_subscriptions=1)

    _, listener = await talking(bench, connector_with(bench, TIMING))

    assert listener.error is None


async def test_a_complaint_of_the_gateway_brings_a_new_socket(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)

    await bench.fault("gateway_error")
    await bench.act(session, "say", text="still reached")

    await until(lambda: listener.texts == ["still reached"])


async def test_a_message_in_parts_is_shown_once_and_whole(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)

    await bench.fault("partial_message")
    await bench.act(session, "say", text="and on")
    await until(lambda: "and on" in listener.texts)

    partial = [e for e in listener.events if e.vendor_event_id.startswith("partial")]
    assert [event.text for event in partial] == ["Let me see."]


async def test_the_transcript_is_told_to_the_live_agent_once_and_to_no_bot(bench: Bench):
    told_late = {"transcript_when": "joined"}
    session, listener = await bench.started(
        connector_with(bench, TIMING, **told_late), accept=False
    )
    await until(listener.of_bots)
    before = await bench.said_by(session, "end_user")
    await bench.fault("fail_next", status=429, path_suffix="/participant/message")

    await bench.act(session, "accept", agent_name=AGENT)
    await until_seen(bench, session, lambda row: "Where is it?" in str(row["messages"]))
    await bench.act(session, "say", text="I have read it")
    await until(lambda: not listener.session.state["opening"])
    # A worker that stopped before it had noted that does it again.
    await listener.stop()
    unnoted = {**listener.session.state, "opening": session.state["opening"]}
    again = bench.listen(
        connector_with(bench, TIMING, **told_late), replace(listener.session, state=unnoted)
    )
    await bench.act(session, "say", text="Still here")
    await until(lambda: "Still here" in again.texts)
    await until_requests(bench, "/participant/message", 3)

    assert before == []
    [told] = await bench.said_by(session, "end_user")
    assert "Transcript of the conversation with the AI agent" in told


async def test_a_returning_customers_chat_is_continued_without_its_old_lines(bench: Bench):
    first, listener = await talking(bench, connector_with(bench, TIMING))
    await bench.act(first, "say", text="See you again")
    await bench.act(first, "end")
    await until(lambda: listener.has_returned)

    second, listener = await bench.started(
        connector_with(bench, TIMING, persistent_chat="true"),
        previous_conversation_id=first.vendor_conversation_id,
    )
    await bench.act(second, "say", text="Welcome back")
    await until(lambda: listener.texts)

    assert listener.texts == ["Welcome back"]
    row = await bench.seen_by_agent(second)
    assert "Continues an earlier chat" in [line["text"] for line in row["timeline"]]


async def test_a_past_that_cannot_be_continued_is_left_behind(bench: Bench):
    connector = connector_with(bench, TIMING, persistent_chat="true")

    session = await connector.start(handoff_request(previous_conversation_id="long-gone"))

    row = await bench.seen_by_agent(session)
    assert "Continues an earlier chat" not in [line["text"] for line in row["timeline"]]


async def test_a_message_kept_back_after_it_was_taken_has_failed(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    message = outbound("My card is 4111")
    await connector.send_message(session, message)

    await bench.fault("keep_back")

    [failed] = await listener.wait_for(MessageFailed)
    assert (failed.vendor_message_id, failed.reason) == (message.message_id, "REJECTED")


async def test_a_chat_that_a_timer_ends_says_so_after_a_warning(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))

    await bench.act(session, "idle")
    await listener.wait_for(IdleWarning)
    await bench.act(session, "auto_disconnect")

    [ended] = await listener.wait_for(ConversationEnded)
    assert ended.cause == "vendor_idle"


async def test_a_chat_that_has_lasted_too_long_says_so(bench: Bench):
    _, listener = await talking(bench, connector_with(bench, TIMING))

    await bench.fault("skip_clock", seconds=25 * 3600)

    [ended] = await listener.wait_for(ConversationEnded)
    assert ended.cause == "vendor_time_limit"


async def test_a_refused_connection_token_is_traded_for_another(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, _ = await talking(bench, connector)

    await bench.fault("expire_connection_tokens")
    await connector.send_message(session, outbound("Through all the same"))

    assert (await bench.said_by(session, "end_user"))[-1] == "Through all the same"


async def test_expired_keys_of_the_role_are_borrowed_again_once(bench: Bench):
    connector = connector_with(bench, TIMING)
    await connector.start(handoff_request())

    await bench.fault("expire_credentials")
    session = await connector.start(handoff_request())

    assert session.vendor_conversation_id


async def test_chats_that_begin_together_with_expired_keys_all_begin(bench: Bench):
    connector = connector_with(bench, TIMING)
    await connector.start(handoff_request())

    await bench.fault("expire_credentials")
    sessions = await asyncio.gather(*(connector.start(handoff_request()) for _ in range(6)))

    assert len({session.vendor_conversation_id for session in sessions}) == 6


async def test_a_transfer_changes_the_contact_and_keeps_the_conversation(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    await bench.act(session, "say", text="I hand you over")
    await listener.wait_for(LiveAgentMessage)

    await bench.act(session, "transfer", agent_name="Sam Achterberg")
    await bench.act(session, "say", text="Sam here")
    await listener.wait_for(LiveAgentMessage, 2)

    assert listener.session.vendor_conversation_id == session.vendor_conversation_id
    assert listener.session.state["contact_id"] != session.state["contact_id"]
    assert {e.vendor_conversation_id for e in listener.events} == {session.vendor_conversation_id}


async def test_messages_pass_until_the_disconnect_flow_is_over(bench: Bench):
    await switch(bench, disconnect_flow=True)
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)

    await bench.act(session, "end")
    await listener.wait_for(LiveAgentLeft)
    await until(lambda: any("1 to 5" in event.text for event in listener.of_bots()))
    assert listener.of(ConversationEnded) == []
    await connector.send_message(session, outbound("5"))
    await bench.act(session, "end")

    await until(lambda: listener.has_returned)
    assert "5" in await bench.said_by(session, "end_user")
    assert len(listener.of(ConversationEnded)) == 1


@pytest.mark.parametrize("transcript_after_end", [True, False])
async def test_an_end_that_nobody_heard_is_noticed(bench: Bench, transcript_after_end: bool):
    await switch(bench, transcript_after_end=transcript_after_end)
    session, listener = await talking(bench, connector_with(bench, TIMING))
    await listener.stop()
    await bench.act(session, "end")

    resumed = bench.listen(connector_with(bench, TIMING), listener.session)
    await until(lambda: resumed.has_returned)

    assert len(resumed.of(ConversationEnded)) == 1


async def test_a_flow_that_finds_nobody_says_so(bench: Bench):
    await switch(bench, agents_offline=True, ends_unstaffed_chats=True)
    session = await bench.connector().start(handoff_request())

    listener = bench.listen(bench.connector(), session)
    await until(lambda: listener.has_returned)

    assert [type(event) for event in listener.events[-2:]] == [NoLiveAgents, ConversationEnded]


async def test_a_chat_whose_token_is_lost_is_stopped_by_its_contact(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))
    await listener.stop()
    orphan = replace(session, state={**session.state, "participant_token": "lost"})

    await bench.connector().end(orphan, EndReason.IDLE_TIMEOUT)

    assert (await bench.seen_by_agent(session))["status"] == "ended"
    assert len(await requests(bench, "/contact/stop")) == 1


async def test_a_chat_that_nobody_listened_to_is_ended_too(bench: Bench):
    connector = bench.connector()
    session = await connector.start(handoff_request())

    await connector.end(session, EndReason.CANCELLED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


async def test_a_text_beyond_the_limit_is_cut_between_characters_and_repeats_once(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, _ = await talking(bench, connector)
    message = outbound("é" * 15000)

    for _ in range(2):
        await connector.send_message(session, message)

    said = (await bench.said_by(session, "end_user"))[-2:]
    assert "".join(said) == message.text
    assert all(len(part.encode()) <= 16384 for part in said)
    assert "".join(await bench.said_by(session, "end_user")).count("é") == 15000


async def test_receipts_name_our_message_in_another_worker_as_well(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    message = outbound("Read me later")
    await connector.send_message(session, message)
    await listener.wait_for(MessageEchoed)
    await until(lambda: message.message_id in listener.session.state.get("sent", {}).values())
    await listener.stop()

    resumed = bench.listen(bench.connector(), listener.session)
    await bench.act(session, "read")

    await until(
        lambda: message.message_id in {e.vendor_message_id for e in resumed.of(MessageRead)}
    )


async def test_typing_is_said_once_in_a_few_seconds(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, _ = await talking(bench, connector)

    for is_typing in (True, True, False, True):
        await connector.send_typing(session, is_typing=is_typing)

    assert len(await requests(bench, "/participant/event")) == 1


def attachment(content: bytes = b"%PDF-1.7 label") -> OutboundAttachment:
    return OutboundAttachment(
        attachment_id=str(uuid.uuid4()),
        file_name="label.pdf",
        mime_type="application/pdf",
        content=content,
    )


async def test_a_file_of_the_end_user_reaches_the_live_agent_once(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    file = attachment()

    for _ in range(2):
        await connector.send_attachment(session, file)

    row = await until_seen(
        bench, session, lambda row: any(m["attachments"] for m in row["messages"])
    )
    names = [a["name"] for m in row["messages"] for a in m["attachments"]]
    assert names == ["label.pdf"]
    await until(
        lambda: file.attachment_id in {e.vendor_message_id for e in listener.of(MessageEchoed)}
    )


async def test_a_file_that_the_scanner_refuses_is_not_passed_off_as_sent(bench: Bench):
    await switch(bench, scan_result="REJECTED")
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    file = attachment()

    await connector.send_attachment(session, file)

    [failed] = await listener.wait_for(MessageFailed)
    assert failed.vendor_message_id == file.attachment_id


async def test_a_message_that_the_instance_keeps_back_is_not_passed_off_as_sent(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, _ = await talking(bench, connector)
    await switch(bench, message_processing="REJECTED")
    with pytest.raises(RejectedError) as caught:
        await connector.send_message(session, outbound("My card is 4111"))
    await switch(bench, message_processing="")

    await connector.send_message(session, outbound("My parcel is late"))

    assert (caught.value.retryable, caught.value.vendor_code) == (False, "REJECTED")
    assert (await bench.said_by(session, "end_user"))[-1] == "My parcel is late"


async def test_a_full_contact_centre_is_worth_another_try_a_little_later(bench: Bench):
    await switch(bench, concurrent_chats=0)

    with pytest.raises(RateLimitedError) as caught:
        await bench.connector().start(handoff_request())

    assert caught.value.vendor_code == "LimitExceededException"
    assert caught.value.retry_after


async def test_a_role_that_is_not_on_the_list_is_refused_without_a_call(bench: Bench):
    routing = {"role_arn": "arn:aws:iam::999999999999:role/Elsewhere"}

    with pytest.raises(InvalidRoutingError) as caught:
        await bench.connector().start(handoff_request(routing=routing))

    assert caught.value.vendor_code == "role_not_allowed"
    assert await requests(bench, "/") == []


async def test_a_role_on_the_list_may_be_named_by_the_handoff(bench: Bench):
    north = "arn:aws:iam::210987654321:role/PortalHandoffNorth"
    await switch(bench, role_arn=north)
    connector = bench.connector(allowed_role_arns=north)

    session = await connector.start(handoff_request(routing={"role_arn": north}))

    assert session.state["target"]["role_arn"] == north


async def test_instance_flow_and_region_may_come_with_the_handoff(bench: Bench):
    saved = {"instance_id": str(uuid.uuid4()), "contact_flow_id": str(uuid.uuid4())}
    arn = "arn:aws:connect:eu-central-1:210987654321:instance/7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"
    routing = {
        "instance_id": arn,
        "contact_flow_id": f"{arn}/contact-flow/c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903",
        "user_display_name": "Ines O.",
    }
    connector = bench.connector(**saved, aws_region="us-west-2")

    session = await connector.start(handoff_request(routing=routing))

    row = await bench.seen_by_agent(session)
    assert "Ines O." in str(row["end_user"])
    assert session.state["target"]["region"] == "eu-central-1"


@pytest.mark.parametrize("field", ["instance_id", "contact_flow_id"])
async def test_an_unknown_instance_or_flow_is_a_routing_error(bench: Bench, field: str):
    with pytest.raises(InvalidRoutingError):
        await bench.connector(**{field: str(uuid.uuid4())}).start(handoff_request())


async def test_tokens_and_keys_appear_in_no_record(bench: Bench):
    connector = connector_with(bench, TIMING)
    session, listener = await talking(bench, connector)
    await connector.send_message(session, outbound("Private words"))
    await bench.act(session, "say", text="More private words")
    await listener.wait_for(LiveAgentMessage)
    await connector.end(session, EndReason.END_USER_ENDED)

    kept = repr(bench.records)
    sent = await bench.desk("GET", "/requests")
    bearers = {row["headers"].get("x-amz-bearer") for row in sent} - {None}
    assert len(bearers) >= 2
    assert not [secret for secret in bearers if secret in kept]
    assert "rivate words" not in kept
    assert session.state["participant_token"] not in repr(session)
    assert AGENT not in kept
