"""The participant socket: handshake, subscription, heartbeats, items, and how it misbehaves."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.vendors.amazon_connect.simulator_harness import (
    EV,
    INTERACTIVE,
    Socket,
    new_customer,
    open_socket,
)

GREETING = "Thanks for getting in touch. An agent will be with you shortly."


async def status_of_handshake(http, url: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(url)
    return caught.value.status


async def test_address_is_good_for_a_hundred_seconds_and_no_other_is(http, customer, simulator):
    assert customer.socket_url.startswith("ws://127.0.0.1:")
    assert await status_of_handshake(http, customer.socket_url + "x") == 403
    simulator.world.clock_skew += 99
    async with open_socket(http, customer.socket_url) as socket:
        assert await socket.subscribe() == "success"
    simulator.world.clock_skew += 2
    assert await status_of_handshake(http, customer.socket_url) == 403


async def test_flow_begins_with_the_subscription_and_not_before(http, url):
    first = {"ContentType": "text/plain", "Content": "Summary"}
    customer = new_customer(url, InitialMessage=first)
    customer.create_connection()

    async with open_socket(http, customer.socket_url) as socket:
        await socket.ask("aws/heartbeat")
        await socket.until_topic("aws/heartbeat")
        before = customer.names()
        await socket.subscribe()
        await socket.until(GREETING)

    assert before == ["Summary"]
    assert socket.names == ["Summary", "participant.joined", GREETING]


async def test_item_tells_who_said_it_and_in_which_contact(socket, chat, desk, customer):
    await desk.act(chat, "say", text="Hello, I can see your invoice.")

    item = await socket.until("Hello, I can see your invoice.")

    assert set(item) == {
        *("AbsoluteTime", "Content", "ContentType", "Id", "Type", "ParticipantId", "DisplayName"),
        *("ParticipantRole", "InitialContactId", "ContactId"),
    }
    assert (item["ParticipantRole"], item["DisplayName"]) == ("AGENT", "Noor Halvorsen")
    assert (item["InitialContactId"], item["ContactId"]) == (chat, chat)


async def test_own_messages_come_back(socket, chat, customer):
    sent = customer.say("echo")

    item = await socket.until("echo")

    assert item["Id"] == sent["Id"]
    assert item["ParticipantId"] == customer.started["ParticipantId"]


async def test_receipts_travel_as_metadata(socket, chat, desk, customer):
    sent = customer.say("read me")
    delivered = await socket.until("message.metadata")
    await desk.act(chat, "read")
    read = await socket.until("message.metadata")

    assert delivered["Type"] == "MESSAGEMETADATA"
    assert delivered["MessageMetadata"]["MessageId"] == sent["Id"]
    [receipt] = read["MessageMetadata"]["Receipts"]
    assert {"DeliveredTimestamp", "ReadTimestamp", "RecipientParticipantId"} == set(receipt)
    assert "message.metadata" not in customer.names()


async def test_transfer_changes_the_contact_and_ends_nothing(socket, chat, desk):
    await desk.act(chat, "transfer", queue="Billing")
    await socket.until("transfer.succeeded")
    waiting = await desk.conversation(chat)
    await desk.act(chat, "accept", agent_name="Sam Achterberg")
    joined = await socket.until("participant.joined")

    assert (waiting["status"], waiting["queue"]) == ("queued", "Billing")
    assert joined["DisplayName"] == "Sam Achterberg"
    assert joined["ContactId"] != joined["InitialContactId"] == chat
    assert "chat.ended" not in socket.names


async def test_disconnect_flow_comes_between_the_agents_leaving_and_the_end(
    socket, chat, desk, customer, simulator
):
    simulator.configure(disconnect_flow=True)

    await desk.act(chat, "end")
    await socket.until("How did we do, from 1 to 5?")
    customer.say("5")
    await socket.until("5")
    still_open = (await desk.conversation(chat))["status"]
    await desk.act(chat, "end")
    last = await socket.until("chat.ended")

    assert still_open == "active"
    assert socket.names.count("chat.ended") == 1
    assert "ParticipantRole" not in last


async def test_unstaffed_flow_says_so_and_ends(http, url, simulator, desk):
    simulator.configure(agents_offline=True, ends_unstaffed_chats=True)
    customer = new_customer(url)
    customer.create_connection()

    async with open_socket(http, customer.socket_url) as socket:
        await socket.subscribe()
        await socket.until("chat.ended")

    assert (await desk.conversation(customer.chat_id))["status"] == "ended"
    assert await status_of_handshake(http, customer.socket_url) == 403


async def test_every_socket_of_the_customer_hears_everything_and_a_sixth_is_refused(
    http, socket, chat, customer, desk
):
    others = [Socket(await http.ws_connect(customer.socket_url)) for _ in range(4)]
    await others[0].subscribe()

    refused = await status_of_handshake(http, customer.socket_url)
    await desk.act(chat, "say", text="to both")
    first, again = await socket.until("to both"), await others[0].until("to both")
    for other in others:
        await other.wire.close()

    assert refused == 403
    assert first["Id"] == again["Id"]


async def test_pings_are_answered_and_nonsense_is_forbidden(socket, simulator):
    await socket.ask("aws/ping")
    pong = await socket.until_topic("aws/ping")
    await socket.wire.send_str("nonsense")
    error = await socket.until_topic(None)
    simulator.configure(deep_heartbeat_status=500)
    await socket.ask("aws/ping")

    assert (pong["statusCode"], pong["statusContent"]) == (200, "OK")
    assert set(error) == {"message", "connectionId", "requestId"}
    assert (await socket.until_topic("aws/ping"))["statusCode"] == 500


async def test_unsubscribed_socket_hears_no_chat(socket, chat, desk):
    await socket.ask("aws/unsubscribe", {"topics": ["aws/chat"]})
    await socket.ask("aws/heartbeat")
    await socket.until_topic("aws/heartbeat")

    await desk.act(chat, "say", text="unheard")
    assert await socket.subscribe() == "success"
    await desk.act(chat, "say", text="heard")
    await socket.until("heard")

    assert "unheard" not in socket.names


async def test_subscription_fails_as_often_as_it_is_told_to(http, customer, simulator):
    simulator.configure(failing_subscriptions=1)

    async with open_socket(http, customer.socket_url) as socket:
        assert await socket.subscribe() == "failure"
        assert customer.transcript() == []
        assert await socket.subscribe() == "success"


async def test_heartbeats_may_stay_unanswered(socket, chat, desk, simulator):
    simulator.configure(answer_heartbeats=False)
    await socket.ask("aws/heartbeat")
    await desk.act(chat, "say", text="frames still come")

    assert (await socket.until_topic("aws/chat"))["topic"] == "aws/chat"


async def test_dropped_sockets_close_and_what_was_said_meanwhile_is_in_the_transcript(
    http, socket, chat, desk, customer
):
    await desk.fault("drop_streams")
    code = await socket.close_code()
    await desk.act(chat, "say", text="missed")
    async with open_socket(http, customer.create_connection()["Websocket"]["Url"]) as second:
        await second.subscribe()
        await desk.act(chat, "say", text="heard")
        await second.until("heard")

    assert code == 1001
    assert "missed" not in second.names
    assert "missed" in customer.texts()
    assert second.names.count("participant.joined") == 0


async def test_sockets_live_as_long_as_they_may(http, customer, simulator):
    simulator.configure(socket_lifetime_seconds=0.2)

    async with open_socket(http, customer.socket_url) as socket:
        await socket.subscribe()
        assert await socket.close_code() == 1001


async def test_stalled_socket_is_silent_and_then_gives_what_waited(socket, chat, desk):
    await desk.fault("stall_streams", seconds=0.4)
    await desk.act(chat, "say", text="late")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await socket.wire.receive()

    assert await socket.until("late")


async def test_next_item_comes_twice_and_the_next_two_change_places(socket, chat, desk):
    await desk.fault("duplicate_next")
    await desk.act(chat, "say", text="twice")
    await desk.fault("swap_next_two")
    for text in ("a", "b", "c"):
        await desk.act(chat, "say", text=text)
    await socket.until("c")

    assert socket.names[-5:] == ["twice", "twice", "b", "a", "c"]
    times = {item["Content"]: item["AbsoluteTime"] for item in socket.items[-3:]}
    assert times["a"] < times["b"] < times["c"]


async def test_handshake_fails_when_it_is_told_to(http, customer, desk):
    await desk.fault("fail_next", status=503, method="WEBSOCKET")

    assert await status_of_handshake(http, customer.socket_url) == 503
    async with open_socket(http, customer.socket_url) as socket:
        assert await socket.subscribe() == "success"
    kept = [one["status"] for one in await desk.get("requests") if one["method"] == "WEBSOCKET"]
    assert kept == [503, 101]


async def test_expired_tokens_close_the_socket_and_new_ones_open_another(
    http, socket, chat, desk, customer
):
    await desk.fault("expire_tokens")

    await socket.close_code()
    assert await status_of_handshake(http, customer.socket_url) == 403
    customer.create_connection()
    async with open_socket(http, customer.socket_url) as second:
        assert await second.subscribe() == "success"
    assert customer.say("still here")["Id"]


@pytest.mark.parametrize(
    "kind",
    [
        *("unknown_event", "unknown_message", "malformed_item", "malformed_frame"),
        *("partial_message", "gateway_error"),
    ],
)
async def test_odd_frames_arrive_and_the_chat_goes_on(http, socket, chat, desk, kind):
    await desk.fault(kind)

    odd = await socket.wire.receive(timeout=5)
    await desk.act(chat, "say", text="all is well")

    assert odd.type is aiohttp.WSMsgType.TEXT
    if kind == "partial_message":
        await socket.until_topic("aws/chat")
    assert (await socket.until("all is well"))["Type"] == "MESSAGE"


async def test_replayed_items_are_the_live_agents_oldest_as_they_were(socket, chat, desk, customer):
    customer.say("before")
    for text in ("one", "two", "three"):
        await desk.act(chat, "say", text=text)
    first = [await socket.until(text) for text in ("one", "two", "three")]

    await desk.fault("replay_oldest", count=2)
    await desk.act(chat, "say", text="last")
    again = [await socket.until(text) for text in ("one", "two", "last")]

    assert again[:2] == first[:2]


async def test_events_of_people_and_timers_arrive(socket, chat, desk):
    await desk.act(chat, "type", is_typing=True)
    typing = await socket.until("typing")
    await desk.act(chat, "rename", new_name="Noor H.")
    renamed = await socket.until("participant.displayname.updated")
    await desk.act(chat, "fail_transfer")
    await socket.until("transfer.failed")
    await desk.act(chat, "supervise", agent_name="Ruth Abara")
    supervisor = await socket.until("participant.joined")
    await desk.act(chat, "idle")
    await socket.until("participant.idle")
    await desk.act(chat, "auto_disconnect")
    await socket.until("chat.ended")

    assert (typing["ContentType"], typing["Type"]) == (EV + "typing", "EVENT")
    assert renamed["DisplayName"] == "Noor H."
    assert supervisor["ParticipantRole"] == "SUPERVISOR"
    assert socket.names[-3:] == ["participant.autodisconnection", "participant.left", "chat.ended"]


async def test_choices_reach_only_a_client_that_can_show_them(http, url, desk, socket, chat):
    assert await desk.refused(chat, "choices", text="Pick", options=["a"]) == 409
    able = new_customer(url, SupportedMessagingContentTypes=["text/plain", INTERACTIVE])
    able.create_connection()
    async with open_socket(http, able.socket_url) as other:
        await other.subscribe()
        await desk.act(able.chat_id, "accept", agent_name="Noor Halvorsen")
        await desk.act(able.chat_id, "choices", text="Pick a slot", options=["Morning", "Evening"])
        await other.until_topic("aws/chat")
        while other.items[-1]["ContentType"] != INTERACTIVE:
            await other.until_topic("aws/chat")

    [shown] = [m for m in (await desk.conversation(able.chat_id))["messages"] if m["options"]]
    assert (shown["text"], shown["options"]) == ("Pick a slot", ["Morning", "Evening"])
