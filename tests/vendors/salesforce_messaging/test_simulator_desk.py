"""The desk refuses what is wrong, and its faults act on the vendor only."""

from __future__ import annotations

import time

from tests.vendors.salesforce_messaging.simulator_harness import (
    anonymous,
    new_id,
)


async def test_action_in_the_wrong_state_is_refused_and_changes_nothing(desk, end_user):
    await end_user.create()
    waiting = end_user.conversation_id
    before = await desk.conversation(waiting)

    refused = [
        await desk.refused(waiting, "say", text="hello"),
        await desk.refused(waiting, "end"),
        await desk.refused(waiting, "read"),
        await desk.refused(waiting, "transfer", queue="Billing"),
        await desk.refused(waiting, "leave"),
    ]

    assert refused == [409] * 5
    assert await desk.conversation(waiting) == before
    await desk.act(waiting, "accept", agent_name="Noor Halvorsen")
    assert await desk.refused(waiting, "accept", agent_name="Noor Halvorsen") == 409
    assert await desk.refused(waiting, "say", text="x", agent_name="Nobody") == 409


async def test_unknown_conversation_action_fault_and_switch_are_named(desk, chat):
    assert await desk.refused(new_id(), "accept", agent_name="Noor") == 404
    assert await desk.refused(chat, "dance") == 404
    assert await desk.refused(chat, "transfer") == 400
    assert await desk.refused(chat, "say") == 400
    assert (await desk.post("faults", kind="flood"))[0] == 400
    assert (await desk.post("faults", kind="fail_next", nonsense=1))[0] == 400
    assert (await desk.post("config", nonsense=1))[0] == 400
    assert (await desk.post("config", queue_positions="yes"))[0] == 400
    assert (await desk.post("config", auth_failure_mode="maybe"))[0] == 400


async def test_requests_are_kept_in_order_with_what_was_sent_and_answered(desk, end_user):
    await end_user.create(routingAttributes={"Order_Ref": "BL-1"})
    await end_user.say("hello")
    await end_user.on("GET", "/entries", params={"limit": 99})

    kept = await desk.get("requests")

    assert [one["status"] for one in kept] == [200, 201, 202, 400]
    assert kept[1]["headers"]["authorization"] == f"Bearer {end_user.token}"
    assert "BL-1" in kept[1]["body"]
    assert (kept[3]["method"], kept[3]["query"]) == ("GET", "limit=99")
    assert not [one for one in kept if one["path"].startswith("/_desk")]


async def test_planned_failures_hit_the_paths_they_are_meant_for(desk, end_user):
    await desk.fault("fail_next", status=503, count=2, path_suffix="/message", retry_after=7)

    created, _ = await end_user.create()
    async with end_user.http.post(
        f"/iamessage/api/v2/conversation/{end_user.conversation_id}/message",
        json={},
        headers=end_user.headers,
    ) as response:
        first = (response.status, response.headers["Retry-After"], await response.json())
    second, _ = await end_user.say("two")
    third, _ = await end_user.say("three")

    assert created == 201
    assert first[:2] == (503, "7")
    assert set(first[2]) == {"message", "errorCode"}
    assert (second, third) == (503, 202)


async def test_failure_after_acceptance_has_its_effect_all_the_same(desk, end_user):
    await desk.fault(
        "fail_next", status=500, path_prefix="/iamessage/api/v2/conversation", after_accept=True
    )

    failed, _ = await end_user.create()
    again, _ = await end_user.create()

    assert (failed, again) == (500, 409)


async def test_latency_slows_the_vendor_and_not_the_desk(desk, end_user):
    await desk.fault("latency", ms=1000)
    started = time.monotonic()
    await desk.get("conversations")
    desk_took = time.monotonic() - started
    await end_user.create()
    vendor_took = time.monotonic() - started - desk_took

    assert desk_took < 1 <= vendor_took


async def test_reset_forgets_conversations_tokens_requests_and_switches(desk, end_user, chat):
    await desk.configure(queue="Billing")
    await desk.fault("fail_next", status=500, count=99)

    await desk.post("reset")

    assert await desk.get("conversations") == []
    assert await desk.get("requests") == []
    assert (await desk.get("config"))["queue"] == "Support"
    assert (await end_user.say("hello"))[0] == 401
    assert (await (await anonymous(end_user.http)).create())[0] == 201


async def test_desk_page_loads_nothing_from_another_origin(http):
    parts = []
    for path in ("/_desk/", "/_desk/static/desk.css", "/_desk/static/desk.js"):
        async with http.get(path) as response:
            assert response.status == 200
            parts.append(await response.text())
    async with http.get("/_desk/static/desk.html") as response:
        missing = response.status

    assert missing == 404
    assert "Simulated Salesforce (demo)" in parts[0]
    assert "Omni-Channel inbox" in parts[0]
    assert "://" not in "".join(parts)


async def test_planned_failures_and_latency_can_be_taken_back(desk, end_user):
    await end_user.create()
    await desk.fault("fail_next", status=503, count=100_000)
    await desk.fault("latency", ms=60_000)

    await desk.fault("clear")

    status, _ = await end_user.say("hello")
    assert status == 202
