"""The Conversations webhook: envelope, secret, echoes, batches, retries, and its faults."""

from __future__ import annotations

import pytest

from tests.vendors.desk import AGENT
from tests.vendors.zendesk.simulator_harness import APP_ID, WORKSPACE

RETRIED = [500, 503, 429, 408, 302]
NOT_RETRIED = [400, 401, 403, 404, 406]


@pytest.fixture
async def chat(desk, caller, portal):
    """A handed-over conversation that the agent has accepted; the portal has heard so."""
    chat = await caller.conversation(metadata={"portalSession": "hs-88"})
    await chat.hand_over()
    await desk.accept(chat)
    await portal.until(lambda: "switchboard:offerControl" in portal.types)
    await portal.until(lambda: len(portal.ticket_events) == 2)
    return chat


async def test_delivery_names_app_and_webhook_and_carries_the_shared_secret(desk, chat, portal):
    call = portal.at("/events")[0]

    assert call.headers["X-API-Key"] == "simulated-shared-secret"
    assert call.headers["Content-Type"] == "application/json"
    assert call.body["app"] == {"id": APP_ID}
    assert call.body["webhook"] == {"id": "dd11ee22ff33aa44bb55cc66", "version": "v2"}
    assert set(call.body["events"][0]) == {"id", "createdAt", "type", "payload"}


async def test_agents_message_is_from_agent_workspace_with_the_agents_id(desk, chat, portal):
    await desk.act(chat, "say", text="Hello, I am looking into it.")
    payload = await portal.until(lambda: _said(portal, "Hello, I am looking into it."))

    message, conversation = payload["message"], payload["conversation"]
    assert message["author"]["type"] == "business"
    assert message["author"]["displayName"] == AGENT
    assert message["source"] == {"type": "zd:agentWorkspace"}
    assert message["metadata"]["__zendesk_msg.agent.id"].isdigit()
    assert conversation["metadata"] == {"portalSession": "hs-88"}
    assert conversation["activeSwitchboardIntegration"]["name"] == WORKSPACE
    assert conversation["pendingSwitchboardIntegration"]["integrationType"] == "custom"


def _said(portal, text: str):
    found = [one for one in portal.of("conversation:message") if _text(one) == text]
    return found[0] if found else None


def _text(payload) -> str | None:
    return payload["message"]["content"].get("text")


async def test_own_messages_come_back_with_their_metadata(chat, portal):
    await chat.say("Echo", metadata={"portalMessageId": "m-1"})
    payload = await portal.until(lambda: _said(portal, "Echo"))

    assert payload["message"]["metadata"] == {"portalMessageId": "m-1"}
    assert payload["message"]["source"] == {"type": "api:conversations"}
    assert payload["message"]["author"]["user"]["id"] == chat.user_id
    assert "profile" not in payload["message"]["author"]["user"]


async def test_full_user_is_sent_where_the_webhook_asks_for_it(desk, chat, portal):
    await desk.configure(include_full_user=True)

    await chat.say("Who am I?")
    payload = await portal.until(lambda: _said(portal, "Who am I?"))

    assert payload["message"]["author"]["user"]["profile"]["givenName"] == "Ines"


async def test_trigger_speaks_as_nobody(desk, chat, portal):
    await desk.act(chat, "trigger", text="We will be with you soon")
    payload = await portal.until(lambda: _said(portal, "We will be with you soon"))

    assert payload["message"]["metadata"]["__zendesk_msg.agent.id"] == "__trigger"
    assert (await desk.conversation(chat))["messages"][-1]["from"] == "system"


async def test_automatic_response_follows_the_new_ticket(desk, caller, portal):
    await desk.configure(auto_response="Thank you", deliver_standby_events=True)
    chat = await caller.conversation()

    await chat.hand_over()
    payload = await portal.until(lambda: _said(portal, "Thank you"))

    assert payload["message"]["metadata"]["__zendesk_msg.agent.id"] == "__trigger"


async def test_typing_and_reading_are_told(desk, chat, portal):
    await desk.act(chat, "type", is_typing=True)
    await desk.act(chat, "type", is_typing=False)
    body = {"type": "conversation:read", "author": {"type": "user", "userId": chat.user_id}}
    await desk.act(chat, "say", text="Read me")
    await chat.on("POST", "/activity", body)
    [read] = await portal.until(lambda: portal.of("conversation:read"))

    typed = [one["activity"] for one in portal.of("conversation:typing")]
    assert [one["type"] for one in typed] == ["typing:start", "typing:stop"]
    assert {one["source"]["type"] for one in typed} == {"zd:agentWorkspace"}
    assert read["activity"]["author"]["userId"] == chat.user_id
    assert (await desk.conversation(chat))["messages"][-1]["read"] is True


async def test_typing_may_be_silent_and_reading_told(desk, chat, portal):
    await desk.configure(agent_typing_events=False, agent_read_events=True)

    await desk.act(chat, "type", is_typing=True)
    await desk.act(chat, "read")
    await portal.until(lambda: portal.of("conversation:read"))

    assert portal.of("conversation:typing") == []


async def test_only_subscribed_events_are_delivered(desk, chat, portal):
    await desk.configure(webhook_triggers=["conversation:message"])

    await desk.act(chat, "type", is_typing=True)
    await desk.act(chat, "say", text="After typing")
    await portal.until(lambda: _said(portal, "After typing"))

    assert "conversation:typing" not in portal.types


async def test_events_close_together_share_a_call(desk, chat, portal):
    await desk.configure(batch_window_ms=300)
    before = len(portal.calls)

    for text in ("one", "two", "three"):
        await desk.act(chat, "say", text=text)
    await portal.until(lambda: "three" in portal.texts)

    events = [call for call in portal.calls[before:] if call.path == "/events"]
    assert [len(call.body["events"]) for call in events] == [3]
    assert portal.texts[-3:] == ["one", "two", "three"]


@pytest.mark.parametrize("status", RETRIED)
async def test_failed_call_is_repeated_with_the_same_events(desk, chat, portal, status):
    portal.answers[:] = [status] * 2
    before = len(portal.at("/events"))

    await desk.act(chat, "say", text="Again")
    await portal.until(lambda: len(portal.at("/events")) == before + 3)

    assert len({call.raw for call in portal.at("/events")[before:]}) == 1


async def test_five_attempts_are_all(desk, chat, portal):
    portal.answers[:] = [500] * 5
    before = len(portal.at("/events"))

    await desk.act(chat, "say", text="Given up")
    await portal.until(lambda: len(portal.at("/events")) == before + 5)
    sent = await portal.until(lambda: portal.answers == []) and await desk.get("webhooks")

    assert [len(one["attempts"]) for one in sent if "Given up" in one["body"]] == [5]


@pytest.mark.parametrize("status", NOT_RETRIED)
async def test_refused_call_is_not_repeated(desk, chat, portal, status):
    portal.answers[:] = [status]

    await desk.act(chat, "say", text="Refused")
    await portal.until(lambda: _said(portal, "Refused"))
    await desk.act(chat, "say", text="Next")
    await portal.until(lambda: _said(portal, "Next"))
    sent = await desk.get("webhooks")

    [refused] = [one for one in sent if "Refused" in one["body"]]
    assert (refused["state"], len(refused["attempts"])) == ("failed", 1)


# -- Faults ---------------------------------------------------------------------------------------


async def test_duplicated_event_keeps_its_id(desk, chat, portal):
    await desk.fault("duplicate_next", event="conversation:message")

    await desk.act(chat, "say", text="Twice")
    await portal.until(lambda: portal.texts.count("Twice") == 2)

    twice = [e["id"] for e in portal.events if _text_of(e) == "Twice"]
    assert twice[0] == twice[1]


def _text_of(event) -> str | None:
    return event["payload"].get("message", {}).get("content", {}).get("text")


async def test_swapped_events_keep_their_times(desk, chat, portal):
    await desk.fault("swap_next_two")

    await desk.act(chat, "say", text="first")
    await desk.act(chat, "say", text="second")
    await portal.until(lambda: {"first", "second"} <= set(portal.texts))

    found = [e for e in portal.events if _text_of(e) in ("first", "second")]
    assert [_text_of(e) for e in found] == ["second", "first"]
    assert [_text_of(e) for e in sorted(found, key=lambda e: e["createdAt"])] == ["first", "second"]


async def test_replayed_events_are_the_live_agents_oldest_with_their_ids_and_times(
    desk, chat, portal
):
    for text in ("one", "two", "three"):
        await desk.act(chat, "say", text=text)
    await portal.until(lambda: "three" in portal.texts)

    await desk.fault("replay_oldest", count=2)
    await desk.act(chat, "say", text="last")
    await portal.until(lambda: "last" in portal.texts)

    said = [e for e in portal.events if _text_of(e) in ("one", "two", "three", "last")]
    assert [_text_of(e) for e in said] == ["one", "two", "three", "one", "two", "last"]
    assert said[3:5] == said[:2]


async def test_wrong_secret_unknown_event_and_oversized_body_arrive_as_asked(desk, chat, portal):
    await desk.fault("wrong_secret")
    await desk.fault("unknown_event")
    await portal.until(lambda: "conversation:somethingNew" in portal.types)
    await desk.fault("malformed_event")
    await portal.until(lambda: {} in [e["payload"] for e in portal.events])
    await desk.fault("oversized_body")
    await portal.until(lambda: "conversation:filler" in portal.types)

    keys = [call.headers["X-API-Key"] for call in portal.at("/events")[-3:]]
    assert keys == ["not-the-shared-secret", *["simulated-shared-secret"] * 2]
    assert len(portal.at("/events")[-1].raw) > 10_000_000


async def test_head_probe_reaches_the_root(desk, chat, portal):
    await desk.fault("head_probe")

    await portal.until(lambda: portal.probes == ["/"])


async def test_merge_gives_the_conversation_another_id(desk, caller, chat, portal):
    old = chat.conversation_id

    await desk.act(chat, "merge")
    [merge] = await portal.until(lambda: portal.of("user:merge"))
    chat.conversation_id = merge["mergedConversations"]["surviving"]["id"]
    await desk.act(chat, "say", text="Same thread")
    payload = await portal.until(lambda: _said(portal, "Same thread"))

    assert merge["mergedConversations"]["discarded"]["id"] == old
    assert merge["mergedUsers"]["discarded"]["id"] == chat.user_id
    assert payload["conversation"]["id"] == chat.conversation_id
    assert (await caller.on("GET", f"/conversations/{old}"))[0] == 404


async def test_removal_postback_and_failed_delivery_are_told(desk, chat, portal):
    await desk.act(chat, "postback", payload="RETRY")
    await desk.act(chat, "delivery_failure")
    await desk.act(chat, "remove")
    await portal.until(lambda: portal.of("conversation:remove"))

    assert portal.of("conversation:postback")[0]["postback"]["payload"] == "RETRY"
    [failure] = portal.of("conversation:message:delivery:failure")
    assert failure["isFinalEvent"] is True
    assert failure["error"]["code"]


async def test_rich_content_and_files_reach_the_portal(desk, http, chat, portal):
    form = {"type": "form", "fields": [{"type": "text", "name": "a", "label": "Name"}]}
    await desk.act(chat, "content", content=form)
    await desk.act(
        chat, "file", name="label.txt", mime_type="text/plain", content_base64="aGVsbG8="
    )
    await portal.until(lambda: "file" in [one["type"] for one in _contents(portal)])
    found = _contents(portal)[-2:]
    async with http.get(found[1]["mediaUrl"]) as response:
        served = await response.read()

    assert found[0] == form
    assert (found[1]["type"], found[1]["altText"], served) == ("file", "label.txt", b"hello")
    assert await desk.refused(chat, "content", content={"type": "video"}) == 400


def _contents(portal) -> list[dict]:
    return [one["message"]["content"] for one in portal.of("conversation:message")]
