"""The simulator takes what Genesys takes, refuses what it refuses, and finds the conversation."""

from __future__ import annotations

import uuid

from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    INTEGRATION_ID,
    MESSAGES,
    EndUser,
    now_text,
)
from tests.waiting import eventually_async

FILE = {"mediaType": "File", "url": "https://x.example/f", "mime": "a/b"}
OPEN = {"id": "ho_1", "idType": "Opaque"}


def body(**changes):
    return {"channel": {"from": OPEN, "time": now_text()}, "text": "hello", **changes}


def channel(**changes):
    return {"channel": {"from": OPEN, "time": now_text(), **changes}, "text": "hello"}


async def test_message_opens_a_conversation_and_names_it_only_when_asked(api, portal):
    plain = await api.inbound("message", body())
    named = await api.inbound("message", body(), params={"prefetchConversationId": "true"})

    assert (plain.status, named.status) == (202, 202)
    assert "conversationId" not in plain.body
    assert uuid.UUID(named.body["conversationId"])
    assert len(named.body["id"]) == 32
    assert named.body["channel"]["to"] == {"id": INTEGRATION_ID}
    assert (named.body["type"], named.body["channel"]["platform"]) == ("Text", "Open")


async def test_message_that_misses_or_bends_something_is_refused_whole(api, desk, portal):
    wrong = [
        {"text": "no channel"},
        channel(**{"from": None}),
        channel(**{"from": {"idType": "Opaque"}}),
        channel(**{"from": {"id": "x"}}),
        channel(**{"from": {"id": "x", "idType": "Passport"}}),
        channel(time=None),
        channel(time="yesterday"),
        channel(time="2026-03-01T09:31:07.412"),
        channel(metadata={"customAttributes": {"nested": {"no": "way"}}}),
        body(text=None),
        body(text=7),
        body(metadata={"nested": {"no": "way"}}),
        body(text=None, content=[{"attachment": {"mediaType": "Image", "mime": "image/png"}}]),
        body(content=[{"attachment": {"mediaType": "Map", "url": "https://x", "mime": "a/b"}}]),
        body(content=[{"attachment": {**FILE, "id": ["no text"]}}]),
        body(content=[{"attachment": {**FILE, "filename": 7}}]),
        channel(time="0001-01-01T00:00:00+14:00"),
        body(text=None, buttonResponse={"type": "Button", "text": "a", "payload": "b"}),
        [],
    ]

    answers = [await api.inbound("message", one) for one in wrong]

    assert [one.status for one in answers] == [400] * len(wrong)
    assert {one.body["code"] for one in answers} == {"bad.request", "invalid.value"}
    assert all(one.body["contextId"] == one.headers["ININ-Correlation-Id"] for one in answers)
    assert await desk.get("conversations") == []


async def test_refusals_speak_the_vendors_wording(api, portal):
    unknown = await api.inbound("message", channel(**{"from": {"id": "x", "idType": "Passport"}}))
    missing = await api.inbound("message", body(text=None))
    lower = await api.inbound("message", channel(**{"from": {"id": "x", "idType": "opaque"}}))

    assert unknown.body["message"] == (
        "Value [Passport] is not valid for field type [idType]. "
        "Allowable values are: Email, Phone, Opaque"
    )
    assert missing.body["message"] == "should have required property 'text'"
    assert lower.status == 202


async def test_unknown_integration_and_wrong_content_type_are_told_apart(api, portal):
    path = f"{MESSAGES}/{uuid.uuid4()}/inbound/open/message"
    unknown = await api.call("POST", path, body())
    plain = await api.inbound("message", None, data="text", headers={"Content-Type": "text/plain"})
    broken = await api.inbound(
        "message", None, data="{", headers={"Content-Type": "application/json"}
    )

    assert [unknown.status, plain.status, broken.status] == [404, 415, 400]


async def test_a_connected_conversation_takes_every_message_of_its_user(api, end_user):
    await end_user.say("one")
    first = end_user.conversation_id
    await end_user.say("two")

    other = EndUser(api)
    await other.say("somebody else")

    assert end_user.conversation_id == first
    assert other.conversation_id != first


async def test_threading_window_pulls_a_late_message_back_and_zero_does_not(desk, end_user):
    await end_user.say("one")
    first = end_user.conversation_id
    await end_user.leave()

    await end_user.say("later")
    reopened = end_user.conversation_id
    seen = await desk.conversation(reopened)
    await end_user.leave()
    await desk.configure(threading_minutes=0)
    await end_user.say("much later")

    assert reopened == first
    assert (len(seen["sessions"]), seen["status"]) == (2, "queued")
    assert end_user.conversation_id != first


async def test_custom_attributes_become_participant_data_when_it_begins_only(desk, end_user, api):
    await end_user.say("one", {"handoff_id": "ho_9f31", "QueueName": "Billing"})
    await end_user.say("two", {"handoff_id": "changed"}, metadata={"locale": "en-GB"})

    seen = await desk.conversation(end_user.conversation_id)

    assert seen["attributes"] == {"handoff_id": "ho_9f31", "QueueName": "Billing"}
    assert seen["queue"] == "Billing"
    assert seen["messages"][1]["metadata"] == {"locale": "en-GB"}


async def test_a_queue_nobody_knows_lands_in_the_flows_own(desk, end_user):
    await end_user.say("one", {"QueueName": "Nowhere"})

    assert (await desk.conversation(end_user.conversation_id))["queue"] == "Support"


async def test_typing_shows_only_while_the_platform_lets_it_in(desk, end_user, api):
    await end_user.say("one")
    typing = {"channel": end_user.channel(), "events": [{"eventType": "Typing"}]}

    await desk.configure(typing_inbound=False)
    hidden = await api.inbound("event", typing)
    before = (await desk.conversation(end_user.conversation_id))["is_typing"]
    await desk.configure(typing_inbound=True)
    shown = await api.inbound("event", typing)
    after = (await desk.conversation(end_user.conversation_id))["is_typing"]

    assert (hidden.status, shown.body["type"]) == (202, "Event")
    assert (before, after) == (False, True)
    other = {**typing, "events": [{"eventType": "Join"}]}
    assert (await api.inbound("event", other)).status == 400
    assert (await api.inbound("event", {"channel": end_user.channel()})).status == 400


async def is_fetched(first_file):
    return (await first_file())["is_fetched"]


def receipt(message_id, to, **changes):
    sent = {"id": message_id, "channel": {"to": {"id": to}, "time": now_text()}}
    return {**sent, "status": "Delivered", **changes}


async def test_receipts_move_the_agents_view_and_the_rest_object(desk, end_user, api, chat, portal):
    await desk.act(chat, "say", text="hello")
    sent = await portal.until_text("hello")
    before = (await desk.conversation(chat))["messages"][-1]

    answer = await api.inbound("receipt", receipt(sent["id"], end_user.id))
    after = (await desk.conversation(chat))["messages"][-1]
    failed = receipt(
        sent["id"],
        end_user.id,
        status="Failed",
        reasons=[{"code": "MessageExpired", "message": "gone"}],
        isFinalReceipt=True,
    )
    await api.inbound("receipt", failed)
    last = (await desk.conversation(chat))["messages"][-1]

    assert (before["delivered"], after["delivered"]) == (False, True)
    assert (answer.status, answer.body["type"], answer.body["direction"]) == (
        202,
        "Receipt",
        "Outbound",
    )
    assert last["status"] == "delivery-failed"


async def test_receipts_the_endpoint_does_not_know_are_refused(desk, end_user, api, chat, portal):
    await desk.act(chat, "say", text="hello")
    sent = (await portal.until_text("hello"))["id"]

    answers = [
        await api.inbound("receipt", one)
        for one in (
            receipt(sent, end_user.id, status="Read"),
            receipt(sent, end_user.id, status="Sent"),
            receipt(sent, end_user.id, reasons=[{"code": "Bored", "message": "x"}]),
            receipt(sent, end_user.id, reasons=[{"code": "GeneralError"}]),
            receipt(sent, "somebody_else"),
            receipt("0" * 32, end_user.id),
            {"id": sent, "status": "Delivered"},
        )
    ]

    assert [one.status for one in answers] == [400, 400, 400, 400, 404, 404, 400]


async def test_answer_to_a_quick_reply_needs_the_message_it_answers(
    desk, end_user, api, chat, portal
):
    await desk.act(chat, "rich", kind="choices", text="Which one?", options=["Home", "Office"])
    asked = await portal.until_type("Structured")
    answer = {
        "channel": end_user.channel(),
        "buttonResponse": {"type": "QuickReply", "text": "Home", "payload": "payload:Home"},
        "originatingMessageId": asked["id"],
    }

    taken = await api.inbound("structured/response", answer)
    lost = await api.inbound("structured/response", {**answer, "originatingMessageId": "0" * 32})
    unnamed = {name: value for name, value in answer.items() if name != "originatingMessageId"}
    wrong = {**answer, "buttonResponse": {**answer["buttonResponse"], "payload": "Elsewhere"}}
    button = {**answer, "buttonResponse": {**answer["buttonResponse"], "type": "Button"}}
    strange = {**answer, "channel": EndUser(api).channel()}
    refused = [
        (await api.inbound("structured/response", one)).status for one in (wrong, button, strange)
    ]

    assert refused == [400, 400, 404]
    assert [one["quickReply"]["text"] for one in asked["content"]] == ["Home", "Office"]
    assert (taken.status, taken.body["type"]) == (202, "Structured")
    said = (await desk.conversation(chat))["messages"][-1]
    assert said["text"] == "Home"
    assert said["answer"] == {
        "label": "Home",
        "originatingMessageId": asked["id"],
        **answer["buttonResponse"],
    }
    assert (lost.status, (await api.inbound("structured/response", unnamed)).status) == (404, 400)


async def test_without_a_flow_messages_are_swallowed_and_a_failed_receipt_says_so(
    desk, end_user, portal
):
    await desk.configure(flow_attached=False)

    sent = await end_user.say("anybody?")
    told = await portal.until_type("Receipt")

    assert (told["id"], told["status"], told["direction"]) == (sent.body["id"], "Failed", "Inbound")
    seen = await desk.conversation(end_user.conversation_id)
    assert (seen["status"], seen["queue"]) == ("ended", "")
    assert await desk.refused(end_user.conversation_id, "accept", agent_name=AGENT) == 409


async def test_a_file_of_the_end_users_is_fetched_and_one_that_is_gone_fails(
    desk, end_user, portal, http, url
):
    def content(address):
        attachment = {"mediaType": "Image", "url": address, "mime": "image/png", "filename": "a"}
        return [{"attachment": attachment}]

    await end_user.say("look", content=content(f"{url}/_desk/static/desk.css"))
    await end_user.say("and", content=content(f"{url}/_desk/static/nothing"))
    failed = await portal.until_type("Receipt")

    async def first_file():
        seen = await desk.conversation(end_user.conversation_id)
        return seen["messages"][0]["attachments"][0]

    await eventually_async(lambda: is_fetched(first_file))
    file = await first_file()
    seen = await desk.conversation(end_user.conversation_id)
    async with http.get(file["url"]) as response:
        assert (response.status, "font" in await response.text()) == (200, True)
    assert failed["id"] == seen["messages"][1]["id"]
    assert seen["messages"][1]["status"] == "failed"


async def test_a_file_the_content_profile_refuses_is_dropped_without_a_word(desk, end_user):
    await desk.configure(inbound_media_types=["image/*"])
    attachment = {"mediaType": "File", "url": "http://127.0.0.1:9/x", "mime": "text/html"}

    answer = await end_user.say("take this", content=[{"attachment": attachment}])

    assert "content" not in answer.body
    seen = await desk.conversation(end_user.conversation_id)
    assert seen["messages"][0]["attachments"] == []


async def test_deprecated_call_names_its_integration_inside(api, portal, desk):
    old = {
        "channel": {
            "platform": "Open",
            "type": "Private",
            "messageId": "pm-1",
            "to": {"id": INTEGRATION_ID},
            "from": OPEN,
            "time": now_text(),
        },
        "type": "Text",
        "text": "old style",
        "direction": "Inbound",
    }

    answer = await api.call("POST", f"{MESSAGES}/inbound/open", old)

    assert (answer.status, answer.body["text"]) == (202, "old style")
    await eventually_async(lambda: desk.get("conversations"))
    receipt = await api.call("POST", f"{MESSAGES}/inbound/open", {**old, "type": "Receipt"})
    assert receipt.status == 400  # it would name its integration as the channel's id


async def test_half_a_surrogate_is_taken_and_shown(desk, end_user):
    await end_user.say(
        "half \ud83d of it", attributes={"\ud83d": "\ude00"}, metadata={"a": "\ud83d"}
    )

    seen = await desk.conversation(end_user.conversation_id)

    assert seen["messages"][0]["text"] == "half \ud83d of it"
