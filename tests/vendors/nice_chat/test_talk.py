"""What is special about a chat channel: its two kinds, recovery, statuses, sessions, its test."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integrations.contract.connector import (
    EndReason,
    OutboundAttachment,
    OutboundMessage,
    ReceiptKind,
    VendorSession,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidRoutingError,
    MissingPermissionError,
    NoLiveAgentsError,
    RejectedError,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
    QueuePositionChanged,
    TransferStarted,
)
from integrations.contract.rich_content import Answer
from integrations.vendors.nice_chat.simulator.world import CHANNEL_ID
from tests.contract.bench import Bench, Listener, handoff_request, outbound, until, until_seen

FILE = OutboundAttachment(
    attachment_id="0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa",
    file_name="label.txt",
    mime_type="text/plain",
    content=b"hello",
)


async def switch(bench: Bench, **switches: Any) -> None:
    await bench.desk("POST", "/config", **switches)


async def frames(bench: Bench, event: str) -> list[dict[str, Any]]:
    rows = await bench.desk("GET", "/requests")
    return [row for row in rows if row["path"] == f"/{event}"]


async def joined(bench: Bench, **changes: str) -> tuple[VendorSession, Listener]:
    session, listener = await bench.started(bench.connector(**changes))
    await listener.wait_for(LiveAgentJoined)
    return session, listener


# ---- messages in every form ----


async def test_a_button_goes_back_with_its_postback_and_a_form_as_lines(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="choices")
    [message] = await listener.wait_for(LiveAgentMessage)
    yes = message.rich.choices[0]
    sent = outbound(yes.label)
    answer = Answer(vendor_message_id=message.vendor_message_id, token=yes.token, label=yes.label)

    await connector.send_message(
        session,
        OutboundMessage(
            message_id=sent.message_id, text=sent.text, sent_at=sent.sent_at, answer=answer
        ),
    )

    said = (await bench.seen_by_agent(session))["messages"]
    assert [m["answer"] for m in said if "answer" in m] == [{"label": "Yes", "postback": "PB-yes"}]


async def test_cut_stored_and_streamed_messages_arrive_whole(bench: Bench):
    await switch(bench, cut_at=10)
    session, listener = await joined(bench)

    await bench.act(session, "say", text="This is much longer than ten")
    await bench.fault("store_next", text="So large that it is stored")
    await bench.act(session, "rich", kind="streamed")
    await listener.wait_for(LiveAgentMessage, 3)
    await listener.stop()
    again = bench.listen(bench.connector(), session)
    await again.wait_for(LiveAgentMessage, 3)

    whole = "Your parcel is on its way and arrives tomorrow."
    assert listener.texts == ["This is much longer than ten", "So large that it is stored", whole]
    assert sorted(again.texts) == sorted(listener.texts)


async def test_edits_and_deletions_name_the_message(bench: Bench):
    session, listener = await joined(bench)
    await bench.act(session, "say", text="Helo")
    [message] = await listener.wait_for(LiveAgentMessage)

    await bench.act(session, "edit", text="Hello")
    [edited] = await listener.wait_for(LiveAgentMessageEdited)
    await bench.act(session, "edit", is_deleted=True)
    [deleted] = await listener.wait_for(LiveAgentMessageDeleted)

    assert edited.text == "Hello"
    assert edited.vendor_message_id == deleted.vendor_message_id == message.vendor_message_id


async def test_the_flows_bot_and_the_system_speak_before_anybody_joins(bench: Bench):
    session, listener = await bench.started(bench.connector(), accept=False)

    await bench.act(session, "bot", text="All agents are busy")
    await bench.act(session, "bot", text="Please wait", is_system=True)
    await until(lambda: len(listener.of_bots()) == 2)

    assert [m.agent_name for m in listener.of_bots()] == ["Help bot", ""]
    assert listener.of(LiveAgentJoined) == []


# ---- recovery ----


async def test_a_lost_push_is_found_when_the_thread_is_looked_at_again(bench: Bench):
    session, listener = await joined(bench)
    await bench.fault("lose_next")

    await bench.act(session, "say", text="Nobody pushed this")
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["Nobody pushed this"]


async def test_many_pages_are_read_after_a_long_absence_and_nothing_twice(bench: Bench):
    await switch(bench, page_size=3)
    session, listener = await joined(bench)
    await listener.stop()
    texts = [f"line {number}" for number in range(10)]
    for text in texts:
        await bench.act(session, "say", text=text)

    again = bench.listen(bench.connector(), session)
    await again.wait_for(LiveAgentMessage, len(texts))

    assert again.texts == texts
    assert len(again.of(LiveAgentJoined)) == 1


async def test_a_silent_socket_is_replaced_and_hearts_beat_only_where_they_are_answered(
    bench: Bench,
):
    session, listener = await joined(bench)
    await bench.fault("stall_streams", seconds=30)

    await bench.act(session, "say", text="After the silence")
    await until(lambda: "After the silence" in listener.texts, 20)

    opened = [r for r in await bench.desk("GET", "/requests") if r["method"] == "WEBSOCKET"]
    assert len(opened) >= 2


async def test_a_client_that_is_too_old_gives_up(bench: Bench):
    _, listener = await joined(bench)

    await bench.fault("outdated")
    await until(lambda: listener.error)

    assert isinstance(listener.error, RejectedError)
    assert listener.error.vendor_code == "SdkVersionNotSupported"


async def test_a_message_whose_reply_was_lost_is_not_sent_again(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Once, though nobody said so")
    await bench.fault("fail_next", status=500, path_prefix="/SendMessage", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user")).count(message.text) == 1
    assert listener.error is None


# ---- the contact, and its end ----


async def test_an_old_contacts_end_is_none_and_a_resolved_one_may_be_reopened(bench: Bench):
    session, listener = await joined(bench, end_on_resolved="false")
    await bench.fault("old_contact")
    await bench.act(session, "resolve")
    await listener.wait_for(LiveAgentMessage, 0)

    await bench.act(session, "reopen")
    await bench.act(session, "accept", agent_name="Sam Achterberg")
    await bench.act(session, "say", text="Here again")
    await listener.wait_for(LiveAgentMessage)

    assert listener.of(ConversationEnded) == []
    await bench.act(session, "trash")
    await until(lambda: listener.has_returned)


@pytest.mark.parametrize("deed", ["resolve", "trash"])
async def test_resolved_and_trashed_end_it(bench: Bench, deed: str):
    session, listener = await joined(bench)

    await bench.act(session, deed)
    await until(lambda: listener.has_returned)

    assert len(listener.of(ConversationEnded)) == 1


async def test_a_queue_takes_the_contact_over_and_a_return_to_it_is_no_end(bench: Bench):
    session, listener = await joined(bench)

    await bench.act(session, "transfer", queue="Billing")
    await listener.wait_for(TransferStarted)
    await bench.act(session, "accept", agent_name="Sam Achterberg")
    await bench.act(session, "unassign")
    await listener.wait_for(LiveAgentLeft, 2)

    assert [one.agent_name for one in listener.of(LiveAgentJoined)][-1] == "Sam Achterberg"
    assert listener.of(ConversationEnded) == []


async def test_a_thread_that_is_archived_takes_nothing_more(bench: Bench):
    connector = bench.connector()
    session, _ = await joined(bench)
    await connector.end(session, EndReason.END_USER_ENDED)

    with pytest.raises((ConversationGoneError, CannotConnectError)):
        await connector.send_message(session, outbound("Too late"))

    assert "Too late" not in await bench.said_by(session, "end_user")


async def test_a_refusal_that_passes_ends_nothing(bench: Bench):
    connector = bench.connector()
    session, _ = await joined(bench)
    await bench.fault("fail_next", status=500, path_prefix="/RecoverThread", count=3)

    with pytest.raises(CannotConnectError):
        await connector.end(session, EndReason.END_USER_ENDED)
    await bench.fault("clear")
    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


# ---- live chat ----


async def test_a_live_chat_tells_its_places_in_the_queue_until_somebody_comes(bench: Bench):
    await switch(bench, is_live_chat=True)
    first, _ = await bench.started(bench.connector(), accept=False)
    session, listener = await bench.started(bench.connector(), accept=False)
    await listener.wait_for(QueuePositionChanged)
    await switch(bench, queue_as_reply=True)
    await bench.act(first, "accept")
    found = await listener.wait_for(QueuePositionChanged, 2)

    assert [one.position for one in found][-2:] == [2, 1]
    texts = await bench.said_by(session, "end_user")
    assert texts[0] == "Begin conversation"


@pytest.mark.parametrize("is_gone", [False, True], ids=["found closed", "not found"])
async def test_a_live_chat_that_ended_during_an_outage_is_over(bench: Bench, is_gone: bool):
    await switch(bench, is_live_chat=True, closed_is_gone=is_gone)
    connector = bench.connector()
    session, listener = await joined(bench)
    await listener.stop()
    await bench.act(session, "end")

    again = bench.listen(connector, listener.session)
    await until(lambda: again.has_returned)

    assert len(again.of(ConversationEnded)) == 1
    with pytest.raises(ConversationGoneError):
        await connector.send_message(again.session, outbound("Too late"))
    await connector.end(again.session, EndReason.END_USER_ENDED)
    assert await connector.late_messages(again.session, [outbound("Too late")]) == frozenset()


async def test_a_line_that_crosses_the_end_of_a_live_chat_is_refused_as_over(bench: Bench):
    await switch(bench, is_live_chat=True)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("hold", text="Crossing")
    sending = asyncio.create_task(connector.send_message(session, outbound("Crossing")))
    while not any("Crossing" in one["body"] for one in await frames(bench, "SendMessage")):
        await asyncio.sleep(0.01)

    await bench.act(session, "end")
    await until(lambda: listener.has_returned)
    await bench.fault("release")

    with pytest.raises(ConversationGoneError):
        await sending


async def test_the_end_user_closes_the_contact_of_a_live_chat(bench: Bench):
    await switch(bench, is_live_chat=True)
    session, listener = await joined(bench)

    await bench.connector().end(session, EndReason.END_USER_ENDED)
    await until(lambda: listener.has_returned)

    assert (await bench.seen_by_agent(session))["session_ended_by"] == "customer"


async def test_nobody_there_fails_a_live_chat_before_anything_is_opened(bench: Bench):
    await switch(bench, is_live_chat=True, agents_offline=True)

    with pytest.raises(NoLiveAgentsError):
        await bench.connector().start(handoff_request())

    assert not (await bench.connector().check_availability(handoff_request())).is_available
    assert await bench.desk("GET", "/conversations") == []


# ---- secured sessions ----


async def test_a_secured_session_lives_by_tokens_that_are_kept_and_replaced(bench: Bench):
    await switch(bench, secured_sessions=True)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="before")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("expire_tokens")
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage, 2)
    await connector.send_message(session, outbound("Still here"))

    assert listener.texts == ["before", "after"]
    assert (await bench.said_by(session, "end_user"))[-1] == "Still here"
    assert len(await frames(bench, "oauth/token")) == 2
    assert await frames(bench, "AuthorizeCustomer") == []


async def test_a_blocked_address_is_named(bench: Bench):
    await switch(bench, secured_sessions=True, is_ip_blocked=True)

    with pytest.raises(MissingPermissionError):
        await bench.connector().start(handoff_request())
    found = {r.name: r.code async for r in bench.connector().test_connection()}

    assert found["gateway"] == "missing_permission"


# ---- fields, files, hints ----


async def test_the_pre_contact_form_and_the_map_reach_the_contact(bench: Bench):
    await switch(bench, required_field="topic", case_fields=["ref"])
    named = {"custom_field_map": '{"Order_Ref": "ref"}'}
    routing = {"attributes": {"Order_Ref": "BL-1", "topic": "Billing"}}
    with pytest.raises(InvalidRoutingError):
        await bench.connector(**named).start(handoff_request())

    session = await bench.connector(**named).start(handoff_request(routing=routing))

    row = await bench.seen_by_agent(session)
    assert row["attributes"] == {"ref": "BL-1", "topic": "v1"}
    assert "conversation_id: cv_ines" in row["messages"][0]["text"]


async def test_files_go_up_once_within_the_channels_limits(bench: Bench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await connector.send_attachment(session, FILE)
    await connector.send_attachment(session, FILE)
    await switch(bench, allowed_file_types=["image/*"])

    with pytest.raises(RejectedError):
        await connector.send_attachment(
            session,
            OutboundAttachment(
                attachment_id="2", file_name="a.txt", mime_type="text/plain", content=b"x"
            ),
        )

    files = [
        f["name"]
        for m in (await bench.seen_by_agent(session))["messages"]
        for f in m["attachments"]
    ]
    limits = connector.attachment_limits(session)
    assert files == ["label.txt"]
    assert limits is not None
    assert (limits.max_bytes, "image/png" in limits.mime_types) == (25 * 1024 * 1024, True)


async def test_nothing_that_the_portal_sends_names_an_address_of_the_portals(bench: Bench):
    """The channel works behind a firewall: CXone is never told where to call."""
    address = "https://portal.example.com/handoff/webhooks/nice"
    session, listener = await bench.started(bench.connector(), webhook_url=address)
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)

    sent = await bench.desk("GET", "/requests")

    assert bench.manifest.generated == ()
    assert not [row for row in sent if "portal.example.com" in f"{row['body']}{row['query']}"]


# ---- the test ----


async def checks(bench: Bench, **changes: str) -> dict[str, tuple[str, str]]:
    found = bench.connector(**changes).test_connection()
    return {result.name: (result.code, result.detail) async for result in found}


async def test_the_right_environment_is_named_where_the_channel_is_in_another(bench: Bench):
    place = f"{bench.url}/env/{{environment}}"
    hosts = {"chat_host": place, "gateway_host": place, "environment": "EU1"}

    wrong = await checks(bench, **hosts)
    right = await checks(bench, **{**hosts, "environment": "NA1"})
    nowhere = await checks(bench, **hosts, brand_id="4712")

    assert wrong["channel"] == ("wrong_region", "The channel is in NA1.")
    assert {code for code, _ in right.values()} == {"ok"}
    assert nowhere["channel"][0] == "invalid_routing"
    assert {wrong["gateway"][0], wrong["fields"][0]} == {"skipped"}


async def test_the_test_names_a_field_that_the_channel_lacks(bench: Bench):
    found = await checks(bench, custom_field_map='{"Order_Ref": "reference"}')

    assert found["fields"] == ("invalid_routing", "The channel has no field reference.")


async def test_a_gateway_that_lets_nobody_in_is_told_apart(bench: Bench):
    await bench.fault("fail_next", status=403, path_prefix="/", count=50, skip=1)

    found = await checks(bench)

    assert (found["channel"][0], found["gateway"][0]) == ("ok", "invalid_auth")


async def test_another_channel_of_the_brand_takes_a_handoff_that_names_it(bench: Bench):
    with pytest.raises(Exception, match="404"):
        await bench.connector().start(handoff_request(routing={"channel_id": "chat_else"}))

    session = await bench.connector().start(handoff_request(routing={"channel_id": CHANNEL_ID}))
    connector = bench.connector()
    await connector.send_receipt(session, "x", ReceiptKind.DELIVERED)
    await until_seen(bench, session, lambda row: row["status"] == "queued")
