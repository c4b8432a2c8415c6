"""The simulator posts what Genesys posts, signed as Genesys signs, and nothing it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from integrations.vendors.genesys.simulator.outbound import sign
from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    INTEGRATION_ID,
    MESSAGES,
    WEBHOOK_SECRET,
)
from tests.waiting import eventually_async


def test_signature_is_the_contracts_own_vector():
    expected = "sha256=uMR7RaFozj2g3Q+NHfS8chmeRo2vdA1FICrjr7V021c="
    as_hex = "sha256=b8c47b45a168ce3da0dd0f8d1df4bc72199e468daf740d45202ae3afb574db57"

    assert sign(b'{"type":"Text"}', WEBHOOK_SECRET) == expected
    assert sign(b'{"type":"Text"}', WEBHOOK_SECRET, "hex") == as_hex


async def test_agents_text_arrives_compact_signed_and_without_the_agents_name(
    desk, end_user, chat, portal
):
    await desk.act(chat, "say", text="Grüße / Здравствуйте 👋")

    body = await portal.until_type("Text")

    raw, headers = portal.raw[-1], portal.headers[-1]
    digest = hmac.new(WEBHOOK_SECRET.encode(), raw, hashlib.sha256).digest()
    assert headers["X-Hub-Signature-256"] == "sha256=" + base64.b64encode(digest).decode()
    assert headers["Content-Type"] == "application/json"
    assert json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() == raw
    assert body["channel"]["to"] == {"id": end_user.id, "idType": "Opaque"}
    assert body["channel"]["from"]["nickname"] == "Portal shop chat"
    assert AGENT not in raw.decode()
    assert (body["channel"]["id"], body["channel"]["messageId"]) == (INTEGRATION_ID, body["id"])
    assert (body["direction"], body["originatingEntity"]) == ("Outbound", "Human")
    assert body["conversationId"] == chat


@pytest.mark.parametrize(
    ("switch", "is_so"),
    [
        ({"signature": "wrong"}, lambda body, headers: headers["X-Hub-Signature-256"]),
        ({"signature": "none"}, lambda body, headers: "X-Hub-Signature-256" not in headers),
        (
            {"signature": "hex"},
            lambda body, headers: len(headers["X-Hub-Signature-256"]) == len("sha256=") + 64,
        ),
        (
            {"nickname_spelling": "nickName"},
            lambda body, headers: "nickName" in body["channel"]["from"],
        ),
        ({"is_conversation_id_sent": False}, lambda body, headers: "conversationId" not in body),
        ({"is_id_type_sent": False}, lambda body, headers: "idType" not in body["channel"]["to"]),
    ],
)
async def test_captured_oddities_can_be_switched_on(desk, chat, portal, switch, is_so):
    await desk.configure(**switch)

    await desk.act(chat, "say", text="odd")

    body = await portal.until_text("odd")
    assert is_so(body, portal.headers[-1])
    is_genuine = portal.headers[-1].get("X-Hub-Signature-256") == sign(
        portal.raw[-1], WEBHOOK_SECRET
    )
    assert is_genuine == ("signature" not in switch)


async def test_webhook_headers_and_a_rotated_secret_take_effect(desk, api, chat, portal):
    path = f"/api/v2/conversations/messaging/integrations/open/{INTEGRATION_ID}"
    token = "outboundNotificationWebhookSignatureSecretToken"
    changed = {"name": "Renamed", token: "a-rotated-secret-1", "webhookHeaders": {"X-Two": "2"}}

    answer = await api.call("PATCH", path, changed)
    await desk.act(chat, "say", text="after")
    body = await portal.until_text("after")

    assert (answer.status, answer.body["name"]) == (200, "Renamed")
    assert token not in answer.body
    assert portal.headers[-1]["X-Two"] == "2"
    signed = sign(portal.raw[-1], "a-rotated-secret-1")
    assert portal.headers[-1]["X-Hub-Signature-256"] == signed
    assert body["channel"]["from"]["nickname"] == "Renamed"


async def test_overload_is_retried_with_the_same_body_and_the_log_shows_it(desk, chat, portal):
    portal.statuses = [503, 429]

    await desk.act(chat, "say", text="patience")

    await desk.has_sent(chat)
    assert (len(portal.raw), len(set(portal.raw))) == (3, 1)
    (logged,) = await desk.get("webhooks")
    assert [one["status"] for one in logged["attempts"]] == [503, 429, 200]
    assert (logged["state"], logged["url"]) == ("delivered", portal.url)


async def test_a_refused_webhook_is_not_retried_and_the_message_has_failed(desk, chat, portal):
    portal.statuses = [403]

    await desk.act(chat, "say", text="refused")

    await desk.has_sent(chat, "failed")
    assert len(portal.raw) == 1


async def test_repetitions_and_swaps_are_those_asked_for(desk, chat, portal):
    await desk.fault("duplicate_next")
    await desk.act(chat, "say", text="twice")
    await desk.fault("swap_next_two", event="Text")
    await desk.act(chat, "say", text="a")
    await desk.act(chat, "type")
    await desk.act(chat, "say", text="b")

    await eventually_async(lambda: len(portal.bodies) == 5)

    assert portal.texts == ["twice", "twice", "a", "b"]
    assert portal.raw[0] == portal.raw[1]
    assert portal.bodies[2]["type"] == "Event"


async def test_typing_is_an_event_with_a_duration_and_has_no_off(desk, chat, portal):
    await desk.act(chat, "type", is_typing=False)
    await desk.configure(typing_outbound=False)
    await desk.act(chat, "type")
    await desk.configure(typing_outbound=True)

    await desk.act(chat, "type")
    await desk.act(chat, "say", text="after them all")
    await portal.until_text("after them all")
    body = portal.bodies[0]

    typing = {"type": "On", "duration": 5000}
    assert body["events"] == [{"eventType": "Typing", "typing": typing}]
    assert [one["type"] for one in portal.bodies] == ["Event", "Text"]


async def test_a_large_file_comes_by_an_address_that_is_signed_and_expires(
    desk, chat, portal, http
):
    content = bytes(range(256)) * 4096 * 25
    encoded = base64.b64encode(content).decode()

    await desk.act(chat, "file", name="plan.png", mime_type="image/png", content_base64=encoded)
    body = await portal.until_type("Text")
    attachment = body["content"][0]["attachment"]

    assert "text" not in body
    assert body["content"][0]["contentType"] == "Attachment"
    assert (attachment["mediaType"], attachment["contentSizeBytes"]) == ("Image", len(content))
    async with http.get(attachment["url"]) as response:
        assert (response.status, await response.read()) == (200, content)
    async with http.get(attachment["url"][:-4] + "0000") as response:
        assert response.status == 403
    await desk.configure(download_ttl_seconds=0)
    await desk.act(chat, "file", name="a", mime_type="text/plain", content_base64="YQ==")
    late = await portal.until(lambda one: one is not body and one.get("content"))
    async with http.get(late["content"][0]["attachment"]["url"]) as response:
        assert response.status == 403


async def test_flow_greets_as_a_bot_and_the_desk_calls_that_the_system(desk, end_user, portal):
    await desk.configure(flow_greeting="Welcome.")

    await end_user.say("hello")
    body = await portal.until_text("Welcome.")

    assert body["originatingEntity"] == "Bot"
    seen = await desk.conversation(end_user.conversation_id)
    assert [one["from"] for one in seen["messages"]] == ["end_user", "system"]


async def test_any_message_of_a_flow_can_be_sent_as_it_is(desk, chat, portal):
    card = {"contentType": "Card", "card": {"title": "Order", "actions": []}}

    await desk.act(chat, "message", message={"type": "Structured", "content": [card]})

    assert (await portal.until_type("Structured"))["content"] == [card]


async def test_the_end_of_a_conversation_is_never_posted(desk, end_user, chat, portal):
    await desk.act(chat, "transfer", agent_name="Ruth Abara")
    await desk.act(chat, "end")
    await end_user.say("again")
    await desk.act(end_user.conversation_id, "accept", agent_name=AGENT)
    await end_user.leave()

    assert portal.bodies == []
    assert await desk.get("webhooks") == []


async def test_bodies_no_contract_mentions_can_be_provoked(desk, chat, portal):
    await desk.fault("unknown_event")
    assert (await portal.until_type("Hologram"))["channel"]["id"] == INTEGRATION_ID

    await desk.fault("malformed_webhook")
    await eventually_async(lambda: any(not one.endswith(b"}") for one in portal.raw))


async def test_replayed_messages_are_the_live_agents_oldest_as_they_were(desk, chat, portal):
    for text in ("one", "two", "three"):
        await desk.act(chat, "say", text=text)

    await desk.fault("replay_oldest", count=2)
    await desk.act(chat, "say", text="last")
    await portal.until_text("last")

    assert portal.texts == ["one", "two", "three", "one", "two", "last"]
    bodies = [one for one in portal.bodies if one.get("text") in ("one", "two")]
    assert bodies[:2] == bodies[2:]


async def test_agentless_text_reaches_the_webhook_and_may_join_a_conversation(
    desk, api, end_user, chat, portal
):
    asked = {
        "fromAddress": INTEGRATION_ID,
        "toAddress": end_user.id,
        "toAddressMessengerType": "open",
        "textBody": "By the way",
    }

    kept = await api.call(
        "POST", f"{MESSAGES}/agentless", {**asked, "useExistingActiveConversation": True}
    )
    fresh = await api.call("POST", f"{MESSAGES}/agentless", {**asked, "toAddress": "ho_new"})
    long = await api.call("POST", f"{MESSAGES}/agentless", {**asked, "textBody": "x" * 2001})

    assert (kept.status, kept.body["conversationId"]) == (202, chat)
    assert fresh.body["conversationId"] != chat
    assert long.status == 400
    await eventually_async(lambda: portal.texts == ["By the way", "By the way"])
