"""Channels, topics and sockets behave as Genesys' do: few, limited, and forgetful."""

from __future__ import annotations

import uuid

import aiohttp
import pytest

from tests.vendors.genesys.simulator.harness import (
    CHANNELS,
    DETAIL,
    Api,
    listening,
    request_token,
    topics_of,
)


async def test_events_reach_the_socket_of_a_channel_with_their_envelope(api, desk, end_user):
    await end_user.say("hello")
    chat = end_user.conversation_id

    async with listening(api, topics_of(chat, "user.start", "acd.end")) as listener:
        await desk.act(chat, "accept", agent_name="Noor Halvorsen")
        started = await listener.until(lambda one: one.get("topicName", "").endswith("user.start"))

    assert started["topicName"] == f"{DETAIL}.{chat}.user.start"
    assert started["version"] == "2"
    assert started["metadata"]["CorrelationId"]
    body = started["eventBody"]
    assert (body["mediaType"], body["messageType"]) == ("MESSAGE", "OPEN")
    assert body["eventTime"] > 1_700_000_000_000
    user = await api.get(f"/api/v2/users/{body['userId']}")
    assert user["name"] == "Noor Halvorsen"


async def test_heartbeats_come_unasked_and_a_ping_is_answered(api, portal):
    async with listening(api, []) as listener:
        await listener.socket.send_json({"message": "ping"})
        await listener.until(lambda one: one.get("eventBody", {}).get("message") == "pong")
        beat = await listener.until(
            lambda one: one.get("eventBody", {}).get("message") == "WebSocket Heartbeat"
        )

    assert beat["topicName"] == "channel.metadata"


async def test_twenty_first_channel_displaces_the_idle_one_used_longest_ago(api, portal):
    async with listening(api, []) as listener:
        made = [(await api.call("POST", CHANNELS, {})).body["id"] for _ in range(19)]

        displacing = (await api.call("POST", CHANNELS, {})).body["id"]
        listed = [one["id"] for one in (await api.get(CHANNELS))["entities"]]

        assert len(listed) == 20
        assert made[0] not in listed
        assert {listener.channel["id"], displacing} <= set(listed)
        head = await api.call("HEAD", f"{CHANNELS}/{made[0]}")
        assert head.status == 404


async def test_a_displaced_channels_socket_is_told_and_closed(api, desk, portal):
    async with listening(api, []) as listener:
        await desk.fault("expire_channels")
        frames = await listener.read_to_end()

    assert frames[-1]["result"] == "404"
    async with api.http.ws_connect(listener.channel["connectUri"]) as socket:
        assert (await socket.receive_json())["result"] == "404"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_topics_are_judged_one_by_one_and_a_good_status_says_nothing(api, desk, portal):
    channel = (await api.call("POST", CHANNELS, {})).body["id"]
    path = f"{CHANNELS}/{channel}/subscriptions"
    await desk.configure(permissions=["conversation:message:receive"])
    user = f"v2.users.{uuid.uuid4()}.conversations.messages"

    answer = await api.call(
        "POST",
        path,
        [*topics_of(str(uuid.uuid4()), "customer.end"), {"id": user}, {"id": "v2.nothing"}],
    )

    assert answer.status == 200
    first, second, third = answer.body["entities"]
    assert (first["state"], first["missingPermissions"]) == (
        "Rejected",
        ["analytics:conversationDetail:view"],
    )
    assert (second["state"], third["state"]) == ("Permitted", "Rejected")
    assert [one["id"] for one in (await api.get(path))["entities"]] == [user]


async def test_a_channel_holds_a_thousand_topics(api, portal):
    channel = (await api.call("POST", CHANNELS, {})).body["id"]
    path = f"{CHANNELS}/{channel}/subscriptions"
    many = [topic for _ in range(1000) for topic in topics_of(str(uuid.uuid4()), "customer.end")]

    full = await api.call("POST", path, many)
    over = await api.call("POST", path, topics_of(str(uuid.uuid4()), "customer.end"))
    replaced = await api.call("PUT", path, many[:1])
    cleared = await api.call("DELETE", path)

    assert (full.status, over.status, replaced.status, cleared.status) == (200, 400, 200, 204)
    assert (await api.get(path))["entities"] == []


async def test_topics_can_be_asked_for_over_the_socket_and_results_are_text(api, end_user, desk):
    await end_user.say("hello")
    topics = [one["id"] for one in topics_of(end_user.conversation_id, "customer.end")]

    async with listening(api, []) as listener:
        asked = {"message": "subscribe", "topics": topics, "correlationId": "c1"}
        await listener.socket.send_json(asked)
        good = await listener.until(lambda one: one.get("correlationId") == "c1")
        await listener.socket.send_json({**asked, "topics": ["v2.nothing"]})
        bad = await listener.until(lambda one: one.get("result") == "400")
        await end_user.leave()
        ended = await listener.until_event("customer.end")

    assert (good["status"], good["correlationId"], bad["status"]) == ("subscribed", "c1", "failure")
    assert ended["conversationId"] == end_user.conversation_id


async def test_what_happens_while_nobody_listens_is_lost(api, desk, end_user):
    await end_user.say("hello")
    chat = end_user.conversation_id
    topics = topics_of(chat, "user.start", "user.end", "customer.end")
    async with listening(api, topics) as listener:
        await desk.fault("drop_streams")
        await listener.read_to_end()
        await desk.act(chat, "accept", agent_name="Noor")

        async with api.http.ws_connect(listener.channel["connectUri"]) as socket:
            await socket.send_json({"message": "ping"})
            while (await socket.receive_json())["eventBody"]["message"] != "pong":
                pass
            await desk.act(chat, "end")
            while not (frame := await socket.receive_json())["topicName"].startswith(DETAIL):
                pass

    assert listener.names == []
    assert frame["topicName"].endswith("user.end")


async def test_one_socket_per_channel_the_newer_wins(api, portal):
    async with listening(api, []) as listener:
        newer = await api.http.ws_connect(listener.channel["connectUri"])
        await listener.read_to_end()

        assert listener.socket.close_code == 1001
        assert (await newer.receive_json())["topicName"] == "channel.metadata"
        await newer.close()


async def test_expired_token_takes_its_channels_along(api, desk, portal, http):
    async with listening(api, []) as listener:
        await desk.fault("expire_tokens")
        frames = await listener.read_to_end()

    refused = await api.call("GET", CHANNELS)
    _, fresh = await request_token(http)
    listed = await Api(http, fresh["access_token"]).get(CHANNELS)

    assert frames[-1]["result"] == "404"
    assert (refused.status, refused.body["code"]) == (401, "bad.credentials")
    assert listed == {"entities": []}


async def test_stalled_sockets_are_silent_and_then_catch_up(api, desk, end_user):
    await end_user.say("hello")
    async with listening(api, topics_of(end_user.conversation_id, "user.start")) as listener:
        await desk.fault("stall_streams", seconds=0.4)
        await desk.act(end_user.conversation_id, "accept", agent_name="Noor")
        read = len(listener.frames)
        await listener.until_event("user.start")

    names = [one["topicName"] for one in listener.frames[read:]]
    # A heartbeat every tenth of a second would have come first.
    assert names.count("channel.metadata") <= 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "duplicate_next", "event": "notification"}, ["user.start", "user.start"]),
        ({"kind": "swap_next_two", "event": "notification"}, ["acd.end", "user.start"]),
        ({"kind": "lose_notifications", "count": 1}, ["acd.end", "user.end"]),
    ],
)
async def test_events_can_be_doubled_swapped_and_lost(api, desk, end_user, fault, expected):
    await end_user.say("hello")
    chat = end_user.conversation_id
    async with listening(api, topics_of(chat, "user.start", "user.end", "acd.end")) as listener:
        await desk.fault(**fault)
        await desk.act(chat, "accept", agent_name="Noor")
        await desk.act(chat, "end")
        await listener.until_event("user.end")

    assert listener.names[:2] == expected


async def test_closing_and_unknown_frames_can_be_provoked(api, desk, portal):
    async with listening(api, []) as listener:
        for kind in ("socket_closing", "unknown_event", "malformed_event"):
            await desk.fault(kind)
        await listener.until(lambda one: one.get("topicName") == "v2.system.socket_closing")
        await listener.until(lambda one: one.get("eventBody", {}) is None)

    assert any(one.get("topicName", "").endswith("new.kind") for one in listener.frames)


async def test_queue_and_user_topics_carry_the_whole_conversation(api, desk, end_user):
    await end_user.say("hello")
    queue = (await api.get("/api/v2/routing/queues", params={"name": "Support"}))["entities"][0]
    topic = f"v2.routing.queues.{queue['id']}.conversations.messages"

    async with listening(api, [{"id": topic}]) as listener:
        await desk.act(end_user.conversation_id, "accept", agent_name="Noor")
        frame = await listener.until(
            lambda one: any(
                leg["purpose"] == "agent" and leg["state"] == "connected"
                for leg in one.get("eventBody", {}).get("participants", [])
            )
        )

    assert frame["eventBody"]["id"] == end_user.conversation_id


async def test_available_topics_tell_their_permissions(api, portal):
    path = "/api/v2/notifications/availabletopics"
    found = await api.get(path, params={"expand": "permissionDetails"})

    (topic,) = [one for one in found["entities"] if one["id"].endswith("customer.end")]
    assert topic["permissionDetails"][0]["permissions"] == ["analytics:conversationDetail:view"]
