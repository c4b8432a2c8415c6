"""The desk plays Agent Workspace, refuses what is wrong, and forgets when told."""

from __future__ import annotations

import time

import pytest

from tests.vendors.desk import AGENT


@pytest.fixture
async def chat(caller):
    """A conversation that waits in Agent Workspace."""
    chat = await caller.conversation(metadata={"portalSession": "hs-88"})
    await chat.hand_over()
    return chat


async def test_agent_accepts_answers_and_reads(desk, chat):
    waiting = await desk.conversation(chat)
    await desk.accept(chat)
    await desk.act(chat, "say", text="Hello")
    await desk.act(chat, "read")
    shown = await desk.conversation(chat)

    assert (waiting["status"], shown["status"]) == ("queued", "active")
    assert shown["agents"] == [AGENT]
    assert [(one["from"], one["text"]) for one in shown["messages"]] == [
        ("end_user", "My parcel is late"),
        ("live_agent", "Hello"),
    ]
    assert shown["messages"][0]["read"] is True
    assert shown["end_user"]["display_name"] == "Ines Okafor"
    orders = [one["order"] for one in (*shown["messages"], *shown["timeline"])]
    assert len(orders) == len(set(orders))


async def test_business_messages_of_the_portal_are_the_ai_agents(desk, chat):
    await chat.post({"type": "text", "text": "Summary"}, {"type": "business", "displayName": "Ada"})

    last = (await desk.conversation(chat))["messages"][-1]
    assert (last["from"], last["name"]) == ("ai_agent", "Ada")


async def test_transfer_to_a_colleague_and_to_a_group(desk, chat):
    await desk.accept(chat)
    await desk.act(chat, "transfer", agent_name="Sam Achterberg")
    colleague = await desk.conversation(chat)
    await desk.act(chat, "transfer", queue="Billing")
    group = await desk.conversation(chat)

    assert (colleague["status"], colleague["agents"]) == ("active", ["Sam Achterberg"])
    assert (group["status"], group["agents"], group["queue"]) == ("queued", [], "Billing")


async def test_last_agent_to_leave_ends_the_session(desk, chat):
    await desk.accept(chat)
    await desk.accept(chat, "Sam Achterberg")

    await desk.act(chat, "leave", agent_name=AGENT)
    first = await desk.conversation(chat)
    await desk.act(chat, "leave")
    second = await desk.conversation(chat)

    assert (first["status"], first["agents"]) == ("active", ["Sam Achterberg"])
    assert (second["status"], second["session_ended_by"]) == ("ended", "agent")


async def test_action_in_the_wrong_state_is_refused_and_changes_nothing(desk, chat):
    before = await desk.conversation(chat)

    refused = [
        await desk.refused(chat, "say", text="hello"),
        await desk.refused(chat, "type"),
        await desk.refused(chat, "read"),
        await desk.refused(chat, "transfer", queue="Billing"),
        await desk.refused(chat, "leave"),
        await desk.refused(
            chat, "file", name="a.txt", mime_type="text/plain", content_base64="aGVsbG8="
        ),
    ]

    assert refused == [409] * 6
    assert await desk.conversation(chat) == before
    await desk.accept(chat)
    assert await desk.refused(chat, "accept", agent_name=AGENT) == 409
    assert await desk.refused(chat, "say", text="x", agent_name="Nobody") == 409
    await desk.act(chat, "end", how="solve")
    assert await desk.refused(chat, "accept", agent_name="Sam Achterberg") == 409
    assert await desk.refused(chat, "say", text="too late") == 409


async def test_unknown_action_status_ending_and_switch_are_named(desk, chat):
    assert await desk.refused(chat, "dance") == 404
    assert await desk.refused(chat, "status", status="gone") == 400
    assert await desk.refused(chat, "end", how="badly") == 400
    for wrong in (
        {"nonsense": 1},
        {"app_id": 5},
        {"keys": {"int_a": 5}},
        {"closed_control": "maybe"},
        {"agents_offline": "yes"},
        {"retry_speed": 0},
        {"auto_response": 5},
    ):
        assert (await desk.post("config", **wrong))[0] == 400
    chat.conversation_id = "unknown"
    assert await desk.refused(chat, "accept", agent_name=AGENT) == 404


async def test_nobody_accepts_while_agents_are_offline(desk, chat):
    await desk.fault("agents_offline", is_offline=True)
    refused = await desk.refused(chat, "accept", agent_name=AGENT)
    await desk.fault("agents_offline", is_offline=False)

    assert refused == 409
    await desk.accept(chat)


async def test_faults_without_a_meaning_at_zendesk_are_taken_and_change_nothing(desk, chat):
    before = await desk.conversation(chat)

    await desk.fault("drop_streams")
    await desk.fault("expire_tokens")

    assert await desk.conversation(chat) == before
    assert (await chat.on("GET"))[0] == 200


async def test_stalled_webhooks_arrive_late(desk, chat, portal):
    await desk.fault("stall_streams", seconds=0.3)
    await desk.accept(chat)
    started = time.monotonic()

    await desk.act(chat, "say", text="late")
    await portal.until(lambda: "late" in portal.texts)

    assert time.monotonic() - started >= 0.3


async def test_failure_after_acceptance_has_its_effect_all_the_same(desk, chat):
    await desk.fault("fail_next", status=500, path_suffix="/messages", after_accept=True)

    failed, _ = await chat.post({"type": "text", "text": "Twice?"})
    texts = [one["content"]["text"] for one in (await chat.messages())["messages"]]

    assert (failed, texts[-1]) == (500, "Twice?")


async def test_reset_forgets_everything_but_how_the_simulator_was_started(desk, caller, chat):
    await desk.configure(queue="Billing")
    await desk.fault("revoke_keys")

    await desk.post("reset")

    assert await desk.get("conversations") == []
    assert await desk.get("webhooks") == []
    assert (await desk.get("config"))["queue"] == "Support"
    assert (await desk.get("config"))["retry_speed"] == 500
    assert (await chat.on("GET"))[0] == 404
    assert (await caller.user())["id"]


async def test_file_of_the_agent_can_be_opened_on_the_desk(desk, http, chat):
    await desk.accept(chat)
    await desk.act(chat, "file", name="a.txt", mime_type="text/plain", content_base64="aGVsbG8=")
    [attachment] = (await desk.conversation(chat))["messages"][-1]["attachments"]

    async with http.get(attachment["url"]) as response:
        served = (response.status, await response.read())
    async with http.get("/_desk/files/unknown") as response:
        missing = response.status

    assert (served, missing) == ((200, b"hello"), 404)


async def test_desk_page_uses_the_vendors_words(http):
    async with http.get("/_desk/") as response:
        page = await response.text()

    assert "Simulated Zendesk (demo)" in page
    assert "Agent Workspace" in page
