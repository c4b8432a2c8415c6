"""The desk plays every lifecycle of the contract."""

from __future__ import annotations

import base64

from tests.vendors.salesforce_messaging.simulator_harness import (
    Event,
    anonymous,
    new_id,
)


def is_status(status: str):
    return lambda event: (
        event.name == "CONVERSATION_SESSION_STATUS_CHANGED"
        and event.payload["sessionStatus"] == status
    )


def changes(events: list[Event]) -> list[tuple[str, str]]:
    return [
        (changed["operation"], changed["displayName"])
        for event in events
        if event.name == "CONVERSATION_PARTICIPANT_CHANGED"
        for changed in event.payload["entries"]
    ]


async def test_happy_path_plays_the_events_of_the_contract_in_order(desk, end_user, stream):
    await end_user.create()
    await end_user.say("My parcel never arrived")
    chat = end_user.conversation_id
    await desk.act(chat, "accept", agent_name="Noor Halvorsen")
    await desk.act(chat, "type", is_typing=True)
    await desk.act(chat, "say", text="Hello Ines")
    await end_user.say("Hello Noor")
    await desk.act(chat, "read")
    await desk.act(chat, "end")
    ended = await stream.until(is_status("Ended"))

    assert stream.names == [
        "ROUTING_RESULT",
        "MESSAGE",
        "MESSAGE",
        "ROUTING_WORK_RESULT",
        "ROUTING_WORK_RESULT",
        "PARTICIPANT_CHANGED",
        "SESSION_STATUS_CHANGED",
        "DELIVERY_ACKNOWLEDGEMENT",
        "TYPING_STARTED_INDICATOR",
        "MESSAGE",
        "MESSAGE",
        "DELIVERY_ACKNOWLEDGEMENT",
        "READ_ACKNOWLEDGEMENT",
        "PARTICIPANT_CHANGED",
        "SESSION_STATUS_CHANGED",
    ]
    routed, greeting = stream.events[0].payload, stream.events[1].payload
    assert (routed["routingType"], routed["failureType"]) == ("Initial", "None")
    assert routed["estimatedWaitTime"] == {
        "isEWTRequested": True,
        "estimatedWaitTimeInSeconds": 95,
    }
    assert greeting["messageReason"] == "AutomatedResponse"
    assert [event.payload["workType"] for event in stream.events[3:5]] == ["Assigned", "Accepted"]
    assert changes(stream.events) == [("add", "Noor Halvorsen"), ("remove", "Noor Halvorsen")]
    hello = stream.events[9]
    assert (hello.entry["senderDisplayName"], hello.entry["sender"]["role"]) == (
        "Noor Halvorsen",
        "Agent",
    )
    assert ended.payload["sessionEndedByRole"] == "Agent"


async def test_receipts_name_the_end_users_message_and_a_read_names_the_last_only(
    desk, end_user, stream
):
    await end_user.create()
    ids = [new_id(), new_id()]
    for number, message_id in enumerate(ids):
        await end_user.say(f"message {number}", message_id)
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
    await desk.act(end_user.conversation_id, "read")
    read = await stream.until_named("CONVERSATION_READ_ACKNOWLEDGEMENT")

    delivered = [
        event.entry["relatedRecords"]
        for event in stream.events
        if event.name == "CONVERSATION_DELIVERY_ACKNOWLEDGEMENT"
    ]
    shown = (await desk.conversation(end_user.conversation_id))["messages"]
    assert delivered == [[ids[0]], [ids[1]]]
    assert read.entry["relatedRecords"] == [ids[1]]
    assert read.payload["acknowledgedConversationEntryIdentifier"] == ids[1]
    assert [one["read"] for one in shown if one["from"] == "end_user"] == [True, True]


async def test_acceptance_plays_the_same_events_in_any_order_when_shuffled(desk, end_user):
    await desk.configure(order_shuffle=True, auto_response=None, ewt_seconds=None)
    orders = set()
    for _ in range(12):
        end_user.conversation_id = new_id()
        await end_user.create()
        await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
        entries = await end_user.entries(direction="FromStart")
        orders.add(tuple(entry["entryType"] for entry in entries[1:]))

    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {
        (
            "ParticipantChanged",
            "RoutingWorkResult",
            "RoutingWorkResult",
            "SessionStatusChanged",
        )
    }
    assert entries[0]["entryPayload"]["estimatedWaitTime"] == {"isEWTRequested": False}


async def test_transfer_to_a_queue_keeps_the_session_until_another_agent_accepts(
    desk, end_user, stream, chat
):
    await desk.act(chat, "transfer", queue="Billing")
    between = await desk.conversation(chat)
    _, routing = await end_user.on("GET")
    await desk.act(chat, "accept", agent_name="Bo Lindqvist")
    await desk.act(chat, "say", text="Bo here")
    await stream.until_text("Bo here")

    results = [e.payload for e in stream.events if e.name == "CONVERSATION_ROUTING_RESULT"]
    assert (between["status"], between["queue"]) == ("queued", "Billing")
    assert routing["routingStatus"] == "TRANSFER"
    assert [result["routingType"] for result in results] == ["Initial", "Transfer"]
    assert changes(stream.events) == [
        ("add", "Noor Halvorsen"),
        ("remove", "Noor Halvorsen"),
        ("add", "Bo Lindqvist"),
    ]
    assert stream.names.count("SESSION_STATUS_CHANGED") == 1
    assert (await end_user.on("GET"))[1]["routingStatus"] == "ROUTED"


async def test_transfer_to_a_colleague_needs_no_second_accept(desk, chat):
    await desk.act(chat, "transfer", agent_name="Bo Lindqvist")

    shown = await desk.conversation(chat)
    assert (shown["status"], shown["agents"]) == ("active", ["Bo Lindqvist"])


async def test_second_agent_joins_as_a_conference_and_may_leave_again(desk, end_user, stream, chat):
    await desk.act(chat, "accept", agent_name="Bo Lindqvist")
    await desk.act(chat, "say", text="from Bo", agent_name="Bo Lindqvist")
    from_bo = await stream.until_text("from Bo")
    await desk.act(chat, "leave", agent_name="Bo Lindqvist")
    still = await desk.conversation(chat)
    await desk.act(chat, "leave")
    ended = await stream.until(is_status("Ended"))

    results = [e.payload for e in stream.events if e.name == "CONVERSATION_ROUTING_RESULT"]
    assert results[-1]["routingType"] == "Conference"
    assert from_bo.entry["senderDisplayName"] == "Bo Lindqvist"
    assert (still["status"], still["agents"]) == ("active", ["Noor Halvorsen"])
    assert ended.payload["sessionEndedByRole"] == "Agent"
    assert (await end_user.on("GET"))[1]["routingStatus"] == "NEEDS_ROUTING"


async def test_last_agent_may_leave_without_an_end_of_session_being_told(
    desk, end_user, stream, chat
):
    await desk.act(chat, "leave", is_session_kept=True)
    await end_user.say("anybody?")
    await stream.until_text("anybody?")

    shown = await desk.conversation(chat)
    assert (shown["status"], shown["session_status"]) == ("ended", "Active")
    assert stream.names.count("SESSION_STATUS_CHANGED") == 1
    assert (await end_user.on("GET"))[1]["routingStatus"] == "NEEDS_ROUTING"


async def test_supervisor_who_leaves_ends_nothing(desk, chat):
    await desk.act(chat, "supervise", agent_name="Ruth Abara")
    await desk.act(chat, "leave", agent_name="Ruth Abara")

    assert (await desk.conversation(chat))["status"] == "active"


async def test_declined_work_goes_on_waiting(desk, end_user, stream):
    await end_user.create()
    await desk.act(end_user.conversation_id, "decline", agent_name="Noor Halvorsen")
    declined = await stream.until(
        lambda event: (
            event.name == "CONVERSATION_ROUTING_WORK_RESULT"
            and event.payload["workType"] == "Declined"
        )
    )

    assert declined.payload["errorMessages"] == []
    assert (await desk.conversation(end_user.conversation_id))["status"] == "queued"


async def test_routing_fails_with_a_reason_when_all_agents_are_offline(desk, end_user, stream):
    await desk.fault("agents_offline", bool=True)
    await end_user.create()
    failed = await stream.until_named("CONVERSATION_ROUTING_RESULT")
    await desk.fault("agents_offline", bool=False)
    await end_user.end_session()
    await end_user.say("again")
    routed = await stream.until_named("CONVERSATION_ROUTING_RESULT")

    assert failed.payload["failureType"] == "RoutingError"
    assert failed.payload["errorMessages"]
    assert routed.payload["failureType"] == "None"
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")


async def test_waiting_work_may_fail_later(desk, end_user, stream):
    await end_user.create()
    await desk.act(end_user.conversation_id, "fail_routing", message="No skilled agent")
    failed = await stream.until(
        lambda event: (
            event.name == "CONVERSATION_ROUTING_RESULT"
            and event.payload["failureType"] == "RoutingError"
        )
    )

    assert failed.payload["errorMessages"] == ["No skilled agent"]


async def test_queue_positions_count_down_as_those_ahead_are_taken(desk, http, end_user):
    await desk.configure(queue_positions=True)
    ahead = [await anonymous(http) for _ in range(2)]
    for one in ahead:
        await one.create()
    async with end_user.stream() as stream:
        await end_user.create()
        for one in ahead:
            await desk.act(one.conversation_id, "accept", agent_name="Noor Halvorsen")
        positions = [
            (await stream.until_named("CONVERSATION_QUEUE_POSITION")).payload["position"]
            for _ in range(3)
        ]

    assert positions == [3, 2, 1]


async def test_silent_end_user_is_warned_and_a_message_wakes_the_session(
    desk, end_user, stream, chat
):
    await desk.act(chat, "idle")
    await stream.until(is_status("Inactive"))
    await end_user.say("I am here")
    await stream.until(is_status("Active"))
    await desk.act(chat, "idle")
    await desk.act(chat, "idle")
    ended = await stream.until(is_status("Ended"))

    assert ended.payload["sessionEndedByRole"] == "System"


async def test_end_of_session_by_the_end_user_is_told_to_everybody(end_user, desk, stream, chat):
    await end_user.end_session()
    ended = await stream.until(is_status("Ended"))

    assert ended.payload["sessionEndedByRole"] == "EndUser"
    assert ended.payload["conversationIdentifier"] == chat
    assert await desk.refused(chat, "say", text="too late") == 409


async def test_file_of_the_agent_is_fetched_without_a_token(desk, http, stream, chat):
    content = base64.b64encode(b"label").decode()
    await desk.act(
        chat, "file", name="label.pdf", mime_type="application/pdf", content_base64=content
    )
    event = await stream.until(
        lambda event: (
            event.name == "CONVERSATION_MESSAGE"
            and event.payload["abstractMessage"]["staticContent"]["formatType"] == "Attachments"
        )
    )

    [attachment] = event.payload["abstractMessage"]["staticContent"]["attachments"]
    async with http.get(attachment["url"]) as response:
        fetched = await response.read()
    assert (attachment["name"], attachment["mimeType"]) == ("label.pdf", "application/pdf")
    assert fetched == b"label"


async def test_methods_of_the_simulator_play_the_live_agent_from_another_thread(
    simulator, end_user, stream
):
    await end_user.create()
    chat = end_user.conversation_id

    simulator.live_agent_joins(chat, agent_name="Noor Halvorsen")
    simulator.live_agent_types(chat, is_typing=True)
    simulator.live_agent_says(chat, text="Hello")
    simulator.live_agent_sends_file(chat, name="a.txt", mime_type="text/plain", content=b"a")
    simulator.live_agent_transfers(chat, agent_name="Bo Lindqvist")
    simulator.live_agent_leaves(chat)
    ended = await stream.until(is_status("Ended"))

    assert ended.payload["sessionEndedByRole"] == "Agent"
