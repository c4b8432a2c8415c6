"""Joining, transferring, leaving and ending: what listeners hear and what the REST object says."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    INTEGRATION_ID,
    MESSAGES,
    listening,
    topics_of,
)
from tests.waiting import eventually_async

ALL = (
    "customer.start",
    "customer.end",
    "acd.start",
    "acd.end",
    "user.start",
    "user.end",
    "flow.end",
    "attributes",
)


def legs(conversation, purpose):
    return [one for one in conversation["participants"] if one["purpose"] == purpose]


async def test_conversation_has_a_leg_for_each_stage_and_the_last_one_counts(
    api, desk, end_user, chat
):
    await desk.act(chat, "say", text="hello")
    await desk.has_sent(chat)
    await desk.act(chat, "transfer", queue="Billing")
    await desk.act(chat, "accept", agent_name="Ruth Abara")

    found = await api.conversation(chat)

    purposes = [one["purpose"] for one in found["participants"]]
    assert purposes == ["customer", "workflow", "acd", "agent", "acd", "agent"]
    (customer,) = legs(found, "customer")
    assert (customer["state"], customer["type"]) == ("connected", "open")
    assert customer["fromAddress"]["addressNormalized"] == end_user.id
    first, second = legs(found, "agent")
    assert (first["name"], first["state"], first["disconnectType"]) == (
        AGENT,
        "disconnected",
        "transfer",
    )
    assert (second["name"], second["state"]) == ("Ruth Abara", "connected")
    assert [one["messageStatus"] for one in first["messages"]] == ["sent"]
    assert [one["state"] for one in legs(found, "acd")] == ["disconnected"] * 2


async def test_answering_tells_who_answered_which_queue(api, desk, end_user):
    await end_user.say("hello", {"QueueName": "Billing"})
    async with listening(api, topics_of(end_user.conversation_id, *ALL)) as listener:
        await desk.act(end_user.conversation_id, "accept", agent_name=AGENT)
        ended = await listener.until_event("acd.end")

    started = await listener.until_event("user.start")
    assert listener.names == ["user.start", "acd.end"]
    assert (ended["acdOutcome"], ended["answeredUserId"]) == ("ANSWERED", started["userId"])
    assert ended["queueId"] == started["queueId"]
    queue = await api.get(f"/api/v2/routing/queues/{ended['queueId']}")
    assert queue["name"] == "Billing"


async def test_a_transfer_ends_the_agents_leg_and_not_the_customers(api, desk, chat):
    async with listening(api, topics_of(chat, *ALL)) as listener:
        await desk.act(chat, "transfer", queue="Billing")
        ended = await listener.until_event("user.end")
        await listener.until_event("acd.start")
        await desk.act(chat, "accept", agent_name="Ruth Abara")
        await listener.until_event("user.start")
        await desk.act(chat, "transfer", agent_name="Ines Rahal")
        await listener.until(
            lambda one: (
                one.get("topicName", "").endswith("user.start")
                and one is not listener.frames[0]
                and listener.names.count("user.start") == 2
            )
        )

    assert ended["disconnectType"] == "TRANSFER"
    assert listener.names == [
        *("user.end", "acd.start", "user.start", "acd.end"),
        *("user.end", "user.start"),
    ]
    assert ended["interactingDurationMs"] >= 0
    assert (await desk.conversation(chat))["agents"] == ["Ines Rahal"]


async def test_agents_end_disconnects_both_legs_and_only_listeners_hear_it(api, desk, chat):
    async with listening(api, topics_of(chat, *ALL)) as listener:
        await desk.act(chat, "end")
        customer = await listener.until_event("customer.end")

    agent = await listener.until_event("user.end")
    assert (agent["disconnectType"], customer["disconnectType"]) == ("CLIENT", "PEER")
    assert listener.names == ["user.end", "customer.end"]
    found = await api.conversation(chat)
    assert {one["state"] for one in found["participants"]} == {"disconnected"}
    assert legs(found, "customer")[0]["disconnectType"] == "peer"


async def test_patching_the_customers_leg_ends_it_and_a_second_time_is_a_conflict(
    api, desk, end_user, chat
):
    async with listening(api, topics_of(chat, *ALL)) as listener:
        first = await end_user.leave()
        customer = await listener.until_event("customer.end")
        second = await end_user.leave()

    assert (first.status, second.status) == (202, 409)
    assert customer["disconnectType"] == "CLIENT"
    assert (await listener.until_event("user.end"))["disconnectType"] == "PEER"
    assert (await desk.conversation(chat))["status"] == "ended"


async def test_patching_the_whole_conversation_ends_it_too(api, desk, end_user, chat):
    ended = await api.call("PATCH", f"{MESSAGES}/{chat}", {"state": "disconnected"})
    wrong = await api.call("PATCH", f"{MESSAGES}/{chat}", {"state": "connected"})
    torn = await api.call("POST", f"/api/v2/conversations/{chat}/disconnect")

    assert [ended.status, wrong.status, torn.status] == [200, 400, 202]
    assert (await desk.conversation(chat))["is_closed"]


async def test_leaving_the_queue_is_an_abandon(api, end_user, portal):
    await end_user.say("hello")
    async with listening(api, topics_of(end_user.conversation_id, *ALL)) as listener:
        await end_user.leave()
        await listener.until_event("customer.end")

    assert (await listener.until_event("acd.end"))["acdOutcome"] == "ABANDON"
    assert listener.names == ["acd.end", "customer.end"]


async def test_silent_end_and_kept_session_are_known_to_rest_alone(api, desk, end_user, chat):
    async with listening(api, topics_of(chat, *ALL)) as listener:
        await desk.act(chat, "leave", is_session_kept=True)
        left = await listener.until_event("user.end")
        kept = await api.conversation(chat)
        await end_user.say("still there?")
        await desk.configure(threading_minutes=0)
        await end_user.leave()

    other = await open_chat(desk, end_user)
    async with listening(api, topics_of(other, *ALL)) as silent:
        await desk.act(other, "end", is_silent=True)
        await silent.until_event("user.end")
        ended = await api.conversation(other)
        await silent.catch_up()

    assert left["disconnectType"] == "CLIENT"
    assert legs(kept, "customer")[-1]["state"] == "connected"
    assert legs(ended, "customer")[-1]["state"] == "disconnected"
    assert silent.names == ["user.end"]


async def open_chat(desk, end_user):
    await end_user.say("hello again")
    await desk.act(end_user.conversation_id, "accept", agent_name=AGENT)
    return end_user.conversation_id


async def test_ringing_and_no_answer_where_starts_are_told_at_ringing(api, desk, end_user):
    await desk.configure(user_start_at="alerting")
    await end_user.say("hello")
    chat = end_user.conversation_id

    async with listening(api, topics_of(chat, *ALL)) as listener:
        await desk.act(chat, "alert", agent_name=AGENT)
        await listener.until_event("user.start")
        ringing = legs(await api.conversation(chat), "agent")[-1]
        await desk.act(chat, "decline")
        missed = await listener.until_event("user.end")

    assert ringing["state"] == "alerting"
    assert (missed["disconnectType"], missed["interactingDurationMs"]) == ("NO_ANSWER_TRANSFER", 0)
    assert (await desk.conversation(chat))["status"] == "queued"
    assert legs(await api.conversation(chat), "agent")[-1]["disconnectType"] == "transfer.noanswer"


async def test_a_flow_that_exits_leaves_nobody(api, desk, end_user, portal):
    await desk.configure(flow_exit="FLOW_ERROR_DISCONNECT")

    await end_user.say("hello")

    seen = await desk.conversation(end_user.conversation_id)
    assert (seen["status"], seen["session_ended_by"]) == ("ended", "system")


async def test_a_slow_flow_reads_what_was_patched_meanwhile(api, desk, end_user):
    await desk.configure(flow_delay_seconds=1.0)
    await end_user.say("hello")
    chat = end_user.conversation_id
    async with listening(api, topics_of(chat, *ALL)) as listener:
        customer = legs(await api.conversation(chat), "customer")[0]
        path = f"{MESSAGES}/{chat}/participants/{customer['id']}/attributes"
        patched = await api.call("PATCH", path, {"attributes": {"QueueName": "Sales", "n": "1"}})
        waiting = await listener.until_event("acd.start")

    assert (patched.status, patched.body) == (
        200,
        {"attributes": {"QueueName": "Sales", "n": "1"}},
    )
    assert listener.names == ["attributes", "flow.end", "acd.start"]
    assert (await listener.until_event("flow.end"))["transferType"] == "ACD"
    assert (await api.get(f"/api/v2/routing/queues/{waiting['queueId']}"))["name"] == "Sales"
    nested = await api.call("PATCH", path, {"attributes": {"a": {"b": "c"}}})
    assert nested.status == 400


@pytest.mark.parametrize(
    ("action", "disconnect_type"), [("idle", "INACTIVITY"), ("fail_routing", "SYSTEM")]
)
async def test_the_vendors_own_ends_name_their_cause(
    api, desk, end_user, portal, action, disconnect_type
):
    await end_user.say("hello")
    async with listening(api, topics_of(end_user.conversation_id, *ALL)) as listener:
        await desk.act(end_user.conversation_id, action)
        ended = await listener.until_event("customer.end")

    assert ended["disconnectType"] == disconnect_type


async def test_a_colleague_joins_and_leaves_without_ending_anything(desk, chat):
    await desk.act(chat, "conference", agent_name="Ruth Abara")
    both = (await desk.conversation(chat))["agents"]

    await desk.act(chat, "leave", agent_name=AGENT)
    one = await desk.conversation(chat)
    await desk.act(chat, "leave")

    assert (both, one["agents"], one["status"]) == ([AGENT, "Ruth Abara"], ["Ruth Abara"], "active")
    assert (await desk.conversation(chat))["status"] == "ended"


async def test_history_names_texts_agents_and_our_own_message_ids(api, desk, end_user, chat):
    await desk.act(chat, "say", text="hello")
    found = await api.conversation(chat)
    ids = [one["messageId"] for leg in found["participants"] for one in leg["messages"]]
    path = f"{MESSAGES}/{chat}/messages"

    bulk = await api.call("POST", f"{path}/bulk", ids, params={"useNormalizedMessage": "true"})
    some = await api.call("POST", f"{path}/bulk", [ids[1], "0" * 32])
    single = await api.get(f"{MESSAGES}/{ids[1]}/details")

    question, reply = bulk.body["entities"]
    assert (question["direction"], reply["direction"]) == ("inbound", "outbound")
    assert question["providerMessageId"].startswith("pm-")
    assert question["normalizedMessage"]["text"] == "I was charged twice"
    assert reply["createdBy"]["name"] == AGENT
    assert [one["id"] for one in some.body["entities"]] == [ids[1]]
    assert (single["id"], single["conversationId"]) == (ids[1], chat)
    assert (await api.call("GET", f"{path}/{uuid.uuid4().hex}")).status == 404


async def test_an_agents_desktop_can_speak_through_the_api(api, desk, end_user, chat, portal):
    leg = (await desk.conversation(chat))["agent_communications"][AGENT]
    path = f"{MESSAGES}/{chat}/communications/{leg}"

    said = await api.call("POST", f"{path}/messages", {"textBody": "by the API"})
    typed = await api.call("POST", f"{path}/typing", {"typing": {"type": "On", "duration": 5000}})
    other = f"{MESSAGES}/{chat}/communications/{uuid.uuid4()}/messages"
    wrong = await api.call("POST", other, {"textBody": "from nowhere"})

    assert (said.status, typed.status, wrong.status) == (202, 202, 404)
    await portal.until_text("by the API")
    await portal.until_type("Event")
    await eventually_async(lambda: len(portal.bodies) == 2)


async def test_nothing_that_the_desk_may_be_asked_breaks_its_list(desk, chat):
    odd = [
        {"content": [1]},
        {"content": 3},
        {"content": [{"quickReply": {}}]},
        {"content": [{"quickReply": 3}]},
        {"content": [{"attachment": {"mediaType": "File"}}]},
        {"text": 3},
        {"content": [{"card": {"actions": 3}}]},
        {"content": [{"datePicker": {"availableTimes": [{"dateTime": []}]}}]},
    ]
    for message in odd:
        assert await desk.refused(chat, "message", message=message) == 400, message
    for action in ("conference", "alert", "decline"):
        assert await desk.refused(chat, action, agent_name=["nobody"]) == 400
    link = {"contentType": "Attachment", "attachment": {"mediaType": "Link", "url": "https://x"}}
    await desk.act(chat, "message", message={"content": [link]})

    shown = await desk.conversation(chat)

    assert shown["messages"][-1]["attachments"][0]["url"] == "https://x"


async def test_a_message_cannot_fail_where_the_end_user_has_said_nothing(desk, api, portal):
    proactive = {"fromAddress": INTEGRATION_ID, "toAddress": "ho_new", "textBody": "Hello"}
    call = {**proactive, "toAddressMessengerType": "open"}
    answer = await api.call("POST", f"{MESSAGES}/agentless", call)

    assert await desk.refused(answer.body["conversationId"], "fail_message") == 409


async def test_calls_that_race_an_end_are_refused_and_the_list_goes_on(desk, end_user, chat):
    tried = [(action, {"agent_name": AGENT}) for action in ("leave", "end", "idle", "conference")]
    tried += [("say", {"text": "still there?"}), ("rich", {"kind": "choices"}), ("accept", {})]
    calls = [desk.post(f"conversations/{chat}/{action}", **fields) for action, fields in tried]

    left, *answers = await asyncio.gather(end_user.leave(), *calls)
    late = [await desk.post(f"conversations/{chat}/{action}", **fields) for action, fields in tried]

    assert left.status in (202, 409)
    assert {status for status, _ in answers} <= {200, 409}
    assert {status for status, _ in late} == {409}
    assert (await desk.conversation(chat))["status"] == "ended"
