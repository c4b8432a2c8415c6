"""What Webex's calls mean in a handoff."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.connector import EndReason, VendorSession, WebhookItem
from integrations.contract.errors import CannotConnectError, InvalidRoutingError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    MessageFailed,
    StartRefused,
    TransferStarted,
    VendorEvent,
)
from integrations.contract.rich_content import Author, Markup
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.connector.tasks import task_of
from integrations.vendors.webex.simulator import WebexSimulator
from integrations.vendors.webex.simulator.agents import ci_id_of
from tests.contract.bench import AGENT, handoff_request, outbound
from tests.vendors.webex.conftest import Connect, item, word


async def received(
    connector: WebexConnector, session: VendorSession, *items: WebhookItem
) -> tuple[VendorSession, list[VendorEvent]]:
    events: list[VendorEvent] = []
    for one in items:
        steps = await connector.receive(session, one)
        session = steps[-1][0] if steps else session
        events += [event for _, event in steps]
    return session, events


async def test_a_flows_greeting_makes_nobody_join_and_html_becomes_markdown(connect: Connect):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id

    _, events = await received(connector, session, word(task, "<b>Hi</b> there", "system"))

    [said] = events
    assert isinstance(said, LiveAgentMessage)
    assert (said.by, said.text, said.markup) == (
        Author.VENDOR_BOT,
        "**Hi** there",
        Markup.MARKDOWN,
    )


async def test_who_writes_is_looked_up_by_either_id_and_joins_once(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    simulator.live_agent_joins(task, agent_name=AGENT)

    session, events = await received(
        connector,
        session,
        word(task, "before the event", "agent", ci_id_of(AGENT)),
        item("task:connected", task),
        word(task, "behind it", "AGENT", ci_id_of(AGENT)),
    )

    assert [type(event) for event in events] == [
        LiveAgentJoined,
        LiveAgentMessage,
        LiveAgentMessage,
    ]
    assert {event.agent_name for event in events} == {AGENT}
    assert len({event.agent_id for event in events}) == 1


async def test_a_transfer_to_a_queue_is_no_end_and_parking_at_first_is_nothing(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    session, first = await received(connector, session, item("task:parked", task))
    simulator.live_agent_joins(task, agent_name=AGENT)
    session, _ = await received(connector, session, item("task:connected", task))

    _, events = await received(connector, session, item("task:parked", task, 1_790_000_000_001))

    assert first == []
    assert [type(event) for event in events] == [LiveAgentLeft, TransferStarted]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("CHANNEL_ASSET_UNDEFINED", "invalid_routing"),
        ("ENTRY_POINT_NOT_FOUND", "invalid_routing"),
        ("FEATURE_FLAG_DISABLED", "missing_permission"),
        ("ORG_DIGITAL_CONTACT_LIMIT_EXCEEDED", "no_live_agents"),
        ("CONVERSATION_ALREADY_OPEN", "rejected"),
        ("ATTACHMENT_TOO_LARGE", "rejected"),
    ],
)
async def test_a_task_that_fails_is_a_start_that_was_refused_and_why(
    connect: Connect, reason: str, code: str
):
    connector = connect()
    session = await connector.start(handoff_request())
    failed = item("task:failed", session.vendor_conversation_id, reason=reason)

    _, [event] = await received(connector, session, failed)

    assert isinstance(event, StartRefused)
    assert event.code == code
    assert reason in event.detail


async def test_a_task_that_webex_could_not_create_is_asked_for_once_more(
    simulator: WebexSimulator, connect: Connect
):
    connector, request = connect(), handoff_request()
    simulator.configure(next_failure="CONVERSATION_CREATION_FAILED")
    session = await connector.start(request)
    first = session.vendor_conversation_id
    failed = item("task:failed", first, reason="CONVERSATION_CREATION_FAILED")

    session, _ = await received(connector, session, failed)
    second = task_of(session)
    _, events = await received(connector, session, replace(failed, body={**failed.body}))

    assert second != first
    assert second in session.keys
    assert simulator.conversation(second).origin == request.handoff_id
    assert [type(event) for event in events] == [StartRefused]


async def test_a_colleague_who_stays_behind_a_conference_has_the_task(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    simulator.live_agent_joins(task, agent_name=AGENT)
    session, _ = await received(connector, session, item("task:connected", task))
    simulator.live_agent_joins(task, agent_name="Sam Achterberg")
    simulator.live_agent_leaves(task, agent_name=AGENT)

    _, events = await received(connector, session, item("task:conference-transferred", task, 2))

    assert [(type(event), event.agent_name) for event in events] == [
        (LiveAgentLeft, AGENT),
        (LiveAgentJoined, "Sam Achterberg"),
    ]


async def test_an_open_conversation_of_this_handoff_is_taken_up(
    simulator: WebexSimulator, connect: Connect
):
    connector, request = connect(), handoff_request()
    open_one = await connector.start(request)
    lost = replace(open_one, vendor_conversation_id="7f31c2aa-0000-4000-8000-000000000001")
    failed = item(
        "task:failed",
        lost.vendor_conversation_id,
        origin=request.handoff_id,
        reason="CONVERSATION_ALREADY_OPEN",
        errorMessage=f"It is open already: {open_one.vendor_conversation_id}.",
    )

    session, _ = await received(connector, lost, failed)
    await connector.send_message(session, outbound("into the open one"))

    task = simulator.conversation(open_one.vendor_conversation_id)
    assert open_one.vendor_conversation_id in session.keys
    assert task.messages[-1]["text"] == "into the open one"


async def test_a_message_that_was_not_appended_is_told_at_the_oldest_that_waits(connect: Connect):
    connector = connect()
    session = await connector.start(handoff_request())
    message = outbound("too much for the policy")
    await connector.send_message(session, message)
    refused = item(
        "task-message:append-failed",
        session.vendor_conversation_id,
        messageDirection="INBOUND",
        reason="INVALID_CONTENT",
    )

    _, [event] = await received(connector, session, refused)

    assert isinstance(event, MessageFailed)
    assert (event.vendor_message_id, event.reason) == (message.message_id, "INVALID_CONTENT")


async def test_a_part_that_was_not_appended_is_told_at_its_message(connect: Connect):
    connector, message = connect(), outbound("word " * 5000)
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    await connector.send_message(session, message)
    echo = item(
        "task-message:appended",
        task,
        messageDirection="INBOUND",
        channelParams={"type": "text", "message": {"aliasId": message.message_id}},
    )
    refused = item("task-message:append-failed", task, reason="INVALID_CONTENT")

    _, [_, event] = await received(connector, session, echo, refused)

    assert isinstance(event, MessageFailed)
    assert event.vendor_message_id == message.message_id


async def test_a_message_lost_to_an_error_of_webexs_own_is_sent_once_more_and_then_told(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task, message = session.vendor_conversation_id, outbound("hello")
    simulator.configure(next_append_failure="INTERNAL_ERROR")
    await connector.send_message(session, message)
    lost = item("task-message:append-failed", task, reason="INTERNAL_ERROR")

    _, first = await received(connector, session, lost)
    _, second = await received(connector, session, lost)

    assert [m["text"] for m in simulator.conversation(task).messages][1:] == ["hello"]
    assert first == []
    assert [type(event) for event in second] == [MessageFailed]


async def test_a_message_that_came_before_its_task_is_sent_once_more(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    unlisted = simulator.world.conversations.get(task)
    del simulator.world.conversations[task]
    await connector.send_message(session, outbound("too early"))

    simulator.world.conversations.add(unlisted)
    _, events = await received(
        connector, session, item("task-message:append-failed", task, reason="NOT_FOUND")
    )

    assert events == []
    assert [m["text"] for m in unlisted.messages][1:] == ["too early"]


async def test_a_message_for_a_task_that_is_over_fails_and_the_end_is_told(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    simulator.live_agent_joins(task, agent_name=AGENT)
    simulator.live_agent_ends(task)
    await connector.send_message(session, outbound("too late"))
    gone = item("task-message:append-failed", task, reason="NOT_FOUND")

    task_row = simulator.conversation(task)
    task_row.updated_at -= 60_000
    sent = replace(outbound("sent since"), sent_at=datetime.now(UTC) - timedelta(seconds=30))
    session, events = await received(connector, session, gone)

    assert [type(event) for event in events] == [MessageFailed, ConversationEnded]
    assert await connector.late_messages(session, [sent]) == {sent.message_id}


async def test_a_file_that_webex_dropped_is_told_at_its_message(connect: Connect):
    connector = connect()
    session = await connector.start(handoff_request())
    params = {"type": "text-with-attachments", "message": {"aliasId": "a-1", "attachments": []}}
    echo = item(
        "task-message:appended",
        session.vendor_conversation_id,
        messageDirection="INBOUND",
        channelParams=params,
    )

    _, [event] = await received(connector, session, echo)

    assert isinstance(event, MessageFailed)
    assert (event.vendor_message_id, event.reason) == ("a-1", "Webex dropped the file")


async def test_an_end_that_no_call_told_is_found_in_the_list_behind_the_next_word(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id
    simulator.live_agent_joins(task, agent_name=AGENT)
    session, _ = await received(connector, session, item("task:connected", task))
    simulator.live_agent_ends(task)
    late = replace(word(task, "Goodbye", "system"), missed_until=datetime.now(UTC))

    _, events = await received(connector, session, late)
    _, alone = await received(connector, session, WebhookItem(item_id="", key=task, body={}))

    assert [type(event) for event in events] == [LiveAgentMessage, ConversationEnded]
    assert [event.vendor_event_id for event in alone] == [events[-1].vendor_event_id]


async def test_an_encrypted_file_is_told_and_nothing_is_fetched(connect: Connect):
    connector = connect()
    session = await connector.start(handoff_request())
    file = {"url": "https://f.example/a?keyUri=k&JWE=j", "fileName": "a.pdf", "mimeType": "a/b"}
    said = word(session.vendor_conversation_id, "See", "system", attachments=[file])

    _, [event] = await received(connector, session, said)

    assert isinstance(event, LiveAgentMessage)
    assert (event.files, event.rich.unknown_kind) == ((), "encrypted file")


async def test_a_refusal_to_end_what_is_over_is_no_error_and_any_other_is(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = session.vendor_conversation_id

    simulator.fail_next(500, path_suffix="/end")
    with pytest.raises(CannotConnectError):
        await connector.end(session, EndReason.END_USER_LEFT)
    simulator.live_agent_joins(task, agent_name=AGENT)
    simulator.live_agent_ends(task)
    simulator.fail_next(500, path_suffix="/end")
    await connector.end(session, EndReason.END_USER_LEFT)

    assert [r.status for r in simulator.requests.all() if r.path.endswith("/end")] == [500, 500]


async def test_without_the_scope_to_end_the_live_agent_is_told(
    simulator: WebexSimulator, connect: Connect
):
    simulator.configure(scopes=["cjp:task_write", "cjp:task_read", "cjp:config_read"])
    connector = connect()
    session = await connector.start(handoff_request())

    await connector.end(session, EndReason.END_USER_LEFT)
    await connector.end(session, EndReason.END_USER_LEFT)

    said = [m["text"] for m in simulator.conversation(session.vendor_conversation_id).messages]
    assert said[1:] == ["The end user has left the conversation."]


async def test_variables_that_webex_would_refuse_never_leave(connect: Connect):
    routing = {"global_variables": {f"v{number}": "x" for number in range(31)}}

    with pytest.raises(InvalidRoutingError):
        await connect().start(handoff_request(routing=routing))
