"""What only Live Agent does: numbers, acknowledgements, servers that change, files on request."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from integrations.contract.connector import EndReason, OutboundAttachment
from integrations.contract.errors import ConversationGoneError, MissingPermissionError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
)
from integrations.vendors.salesforce_live_chat.connector import SalesforceLiveChatConnector
from tests.contract.bench import AGENT, Bench, handoff_request, outbound, running_bench, until


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("salesforce_live_chat") as bench:
        yield bench


async def calls(bench: Bench, ending: str) -> list[dict]:
    return [row for row in await bench.desk("GET", "/requests") if row["path"].endswith(ending)]


async def checks(bench: Bench, **credentials: str) -> dict[str, tuple[str, str]]:
    found = bench.connector(**credentials).test_connection()
    return {result.name: (result.code, result.detail) async for result in found}


async def test_a_chat_goes_on_at_another_server_and_nothing_is_lost_or_doubled(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="before")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("expire_tokens")
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage, 2)
    await connector.send_message(session, outbound("Still here"))

    assert listener.texts == ["before", "after"]
    assert await bench.said_by(session, "end_user") == ["Still here"]
    assert len(await calls(bench, "/System/ReconnectSession")) == 1


async def test_polls_that_the_server_has_lost_are_read_from_the_history(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    await bench.act(session, "say", text="lost")
    await bench.fault("lose_polls")
    await bench.act(session, "say", text="kept")

    again = bench.listen(bench.connector(), listener.session)
    await until(lambda: len(again.texts) == 2)

    assert again.texts == ["lost", "kept"]


async def test_an_end_behind_lost_polls_comes_after_what_the_history_has(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    await bench.act(session, "say", text="lost")
    await bench.fault("lose_polls")
    await bench.act(session, "say", text="Goodbye")
    await bench.act(session, "end")

    again = bench.listen(bench.connector(), listener.session)
    await until(lambda: again.has_returned)

    assert again.texts == ["lost", "Goodbye"]
    assert isinstance(again.events[-1], ConversationEnded)


async def test_a_history_that_never_comes_is_not_waited_for(bench: Bench):
    await bench.desk("POST", "/config", hold_seconds=0.2, tells_history=False)
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    await bench.fault("lose_polls")
    await bench.act(session, "say", text="kept")

    again = bench.listen(bench.connector(), listener.session)
    await again.wait_for(LiveAgentMessage)

    assert again.texts == ["kept"]


async def test_a_second_poll_waits_for_the_first_to_be_noticed_as_gone(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    for number in range(5):
        await listener.stop()
        listener = bench.listen(connector, listener.session)
        await bench.act(session, "say", text=f"line {number}")
    await until(lambda: "line 4" in listener.texts)

    assert (await bench.seen_by_agent(session))["status"] == "active"


async def test_one_refused_poll_is_no_end_and_two_refusals_are(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("fail_next", status=403, path_suffix="/System/Messages")
    await bench.fault("drop_streams")
    await bench.act(session, "say", text="still here")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("fail_next", status=403, count=2, path_prefix="/chat/rest/System")
    await bench.fault("drop_streams")
    await until(lambda: listener.error)

    assert isinstance(listener.error, ConversationGoneError)


async def test_a_reconnection_brings_nothing_again_that_was_taken_and_not_acknowledged(
    bench: Bench,
):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    # The poll that would acknowledge the line is the one that is refused.
    await bench.fault("fail_next", status=403, skip=1, path_suffix="/System/Messages")
    await bench.fault("drop_streams")
    await bench.act(session, "say", text="once")
    await listener.wait_for(LiveAgentMessage)
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage, 2)

    assert listener.texts == ["once", "after"]


async def test_the_server_is_followed_to_an_address_of_salesforces_alone(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("switch_server", url="https://elsewhere.example/chat")
    await bench.fault("switch_server")
    await bench.act(session, "say", text="moved")
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["moved"]
    assert listener.error is None


async def test_places_and_waiting_time_are_told_and_fall(bench: Bench):
    first = await bench.connector().start(handoff_request())
    second, listener = await bench.started(bench.connector(), accept=False)
    [begin] = await listener.wait_for(QueuePositionChanged)

    await bench.act(first, "accept", agent_name=AGENT)
    later = await listener.wait_for(QueuePositionChanged, 2)

    assert (begin.position, begin.estimated_wait_seconds) == (2, 90)
    assert later[-1].position == 1
    assert second.vendor_conversation_id != first.vendor_conversation_id


async def test_nobody_online_is_told_and_the_chat_is_over(bench: Bench):
    await bench.desk("POST", "/config", agents_offline=True)
    connector = bench.connector()
    availability = await connector.check_availability(handoff_request())

    _, listener = await bench.started(connector, accept=False)
    await until(lambda: listener.has_returned)

    [refused] = listener.of(NoLiveAgents)
    assert (availability.is_available, refused.detail) == (False, "Unavailable")
    assert len(listener.of(ConversationEnded)) == 1


async def test_a_live_agent_who_disconnects_leaves_the_chat_open_for_the_next(bench: Bench):
    session, listener = await bench.started(bench.connector())

    await bench.act(session, "leave")
    await listener.wait_for(LiveAgentLeft)
    await bench.act(session, "accept", agent_name="Sam Achterberg")
    joined = await listener.wait_for(LiveAgentJoined, 2)

    assert joined[-1].agent_name == "Sam Achterberg"
    assert listener.of(ConversationEnded) == []


async def test_a_file_goes_where_it_was_asked_for_and_else_as_a_link(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "ask_for_file")
    await listener.wait_for(SystemNotice)

    for name in ("wanted.txt", "unwanted.txt"):
        file = OutboundAttachment(
            attachment_id=str(uuid.uuid4()),
            file_name=name,
            mime_type="text/plain",
            content=b"hello",
            public_url="https://portal.example/f/1",
        )
        await connector.send_attachment(listener.session, file)

    row = await bench.seen_by_agent(session)
    said = [m for m in row["messages"] if m["from"] == "end_user"]
    assert [one["name"] for one in said[0]["attachments"]] == ["wanted.txt"]
    assert said[1]["text"] == "unwanted.txt: https://portal.example/f/1"


async def test_a_start_left_alone_for_too_long_begins_anew_and_a_fresh_refusal_is_told(
    bench: Bench,
):
    request = handoff_request()
    first = await bench.connector().start(request)
    await bench.act(first, "end")
    listener = bench.listen(bench.connector(), first)
    await until(lambda: listener.has_returned)

    second = await bench.connector().start(request)
    await bench.fault("fail_next", status=403, path_suffix="/ChasitorInit")
    with pytest.raises(MissingPermissionError):
        await bench.connector().start(handoff_request())

    assert second.vendor_conversation_id != first.vendor_conversation_id


async def test_attributes_are_kept_in_declared_fields_alone(bench: Bench):
    await bench.desk("POST", "/config", transcript_fields=["Order_Ref__c"])
    connector = bench.connector(transcript_fields='{"Order_Ref": "Order_Ref__c", "b": "B__c"}')

    session = await connector.start(
        handoff_request(routing={"attributes": {"Order_Ref": "BL-1", "b": "2"}})
    )

    row = await bench.seen_by_agent(session)
    assert row["session_fields"] == {"Order_Ref__c": "BL-1"}
    assert (row["attributes"]["Order_Ref"], row["attributes"]["b"]) == ("BL-1", "2")


async def test_each_wrong_value_fails_the_check_that_names_it(bench: Bench):
    assert (await checks(bench, org_id="00D8Y0000099999"))["deployment"][0] == "invalid_auth"
    assert (await checks(bench, deployment_id="5728Y0000099999"))["button"][0] == "skipped"
    assert (await checks(bench, button_id="5738Y0000099999"))["button"][0] == "invalid_routing"
    await bench.fault("fail_next", status=404, count=2, path_suffix="/Visitor/Availability")
    assert (await checks(bench))["deployment"][0] == "invalid_routing"
    await bench.desk("POST", "/config", agents_offline=True)
    code, detail = (await checks(bench))["button"]
    assert (code, "online" in detail) == ("ok", True)


async def test_lines_sent_at_the_same_moment_go_one_by_one_under_numbers_of_their_own(
    bench: Bench,
):
    connector = bench.connector()
    session, _ = await bench.started(connector)

    lines = [outbound(f"line {number}") for number in range(4)]
    await asyncio.gather(*(connector.send_message(session, line) for line in lines))

    numbers = [
        row["headers"]["x-liveagent-sequence"]
        for row in await calls(bench, "/Chasitor/ChatMessage")
    ]
    assert sorted(numbers) == ["2", "3", "4", "5"]
    await connector.end(session, EndReason.END_USER_ENDED)


def test_what_an_admin_pastes_is_brought_into_the_form_of_the_api():
    kept, notices = SalesforceLiveChatConnector.normalise(
        {
            "live_agent_url": "https://d.la1-c1.salesforceliveagent.com/chat",
            "org_id": "00D8Y0000012abcUAA",
            "deployment_id": "5728Y0000008dpl",
            "button_id": "https://birchline.my.salesforce.com/5738Y0000009btn",
        }
    )

    assert kept == {
        "live_agent_url": "https://d.la1-c1.salesforceliveagent.com",
        "org_id": "00D8Y0000012abc",
        "deployment_id": "5728Y0000008dpl",
        "button_id": "5738Y0000009btn",
    }
    assert len(notices) == 3
