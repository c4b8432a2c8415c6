"""The switchboard: who is in control, who hears, and what each change tells."""

from __future__ import annotations

import pytest

from tests.vendors.zendesk.simulator_harness import OWN, WORKSPACE

BOT = "zd-answerBot"


@pytest.mark.parametrize(
    ("default", "name"), [("answer_bot", BOT), ("agent_workspace", WORKSPACE), ("own", OWN)]
)
async def test_new_conversation_is_with_the_default_integration(desk, caller, default, name):
    await desk.configure(default_switchboard=default)

    chat = await caller.conversation()

    assert await chat.controllers() == (name, None)


@pytest.mark.parametrize(
    "target", [WORKSPACE, "zd:agentWorkspace", "4a4b4c4d4e4f4a4b4c4d4e4f", "next"]
)
async def test_target_is_an_id_a_name_a_type_or_next(chat, target):
    assert await chat.pass_control(target) == (200, {})

    assert await chat.controllers() == (WORKSPACE, None)


async def test_unknown_target_is_refused_and_told(desk, chat, portal):
    await desk.configure(default_switchboard="own")

    status, answer = await chat.pass_control("nowhere", reason="x")
    [failure] = await portal.until(lambda: portal.of("switchboard:passControl:failure"))

    assert (status, answer["errors"][0]["code"]) == (404, "switchboard_integration_not_found")
    assert failure["error"]["code"] == "switchboard_invalid_target"
    assert failure["metadata"] == {"reason": "x"}


async def test_quiet_account_tells_a_failure_by_event_only(desk, chat, portal):
    await desk.configure(is_control_failure_quiet=True)

    assert await chat.offer_control("nowhere") == (200, {})

    await portal.until(lambda: portal.of("switchboard:offerControl:failure"))


async def test_control_is_offered_accepted_and_released(chat):
    await chat.pass_control(WORKSPACE)
    await chat.offer_control(OWN)
    offered = await chat.controllers()
    accepted = await chat.on("POST", "/acceptControl", {"metadata": {"a": "b"}})
    in_control = await chat.controllers()
    released = await chat.on("POST", "/releaseControl")

    assert offered == (WORKSPACE, OWN)
    assert (accepted, in_control) == ((200, {}), (OWN, None))
    assert released == (200, {})
    assert await chat.controllers() == (None, None)


async def test_accept_and_release_need_the_right_state(chat):
    await chat.pass_control(WORKSPACE)

    accepted, answer = await chat.on("POST", "/acceptControl", {})
    released, _ = await chat.on("POST", "/releaseControl", {})

    assert (accepted, released) == (403, 403)
    assert answer["errors"][0]["code"] == "forbidden"


async def test_active_integration_is_offered_nothing(chat):
    await chat.pass_control(OWN)

    status, _ = await chat.offer_control(OWN)

    assert status == 400
    assert await chat.controllers() == (OWN, None)


@pytest.mark.parametrize("body", [{}, {"switchboardIntegration": 4}, {"metadata": {"a": []}}])
async def test_wrong_body_is_a_bad_request(chat, body):
    assert (await chat.on("POST", "/passControl", body))[0] == 400


async def test_switchboard_that_is_off_passes_nothing(desk, caller):
    await desk.configure(is_switchboard_enabled=False)
    chat = await caller.conversation()

    status, answer = await chat.pass_control(WORKSPACE)

    assert (status, answer["errors"][0]["code"]) == (404, "switchboard_not_found")
    assert await chat.controllers() == (None, None)


async def test_message_after_a_release_goes_to_the_default_integration(chat):
    await chat.pass_control(OWN)
    await chat.on("POST", "/releaseControl")

    await chat.say("Anybody there?")

    assert await chat.controllers() == (BOT, None)


# -- Who hears ------------------------------------------------------------------------------------


async def test_integration_on_standby_hears_nothing(desk, chat, portal):
    await chat.say("My parcel is late")
    await chat.pass_control(WORKSPACE)
    await desk.accept(chat)
    await desk.act(chat, "say", text="unheard")
    await chat.offer_control(OWN)
    await desk.act(chat, "say", text="heard")

    await portal.until(lambda: "heard" in portal.texts)

    assert "unheard" not in portal.texts


@pytest.mark.parametrize(
    "switch", [{"deliver_standby_events": True}, {"is_switchboard_enabled": False}]
)
async def test_standby_flag_and_a_switchboard_that_is_off_let_everything_through(
    desk, caller, portal, switch
):
    await desk.configure(**switch)
    chat = await caller.conversation()
    await chat.say("Hello")

    await portal.until(lambda: "Hello" in portal.texts)

    assert portal.types[0] == "conversation:create"


async def test_passing_back_makes_the_portals_integration_active(desk, chat, portal):
    await chat.hand_over()
    await desk.accept(chat)

    await desk.act(chat, "pass_back")
    [told] = await portal.until(
        lambda: [one for one in portal.of("switchboard:passControl") if _active(one) == OWN]
    )

    assert "reason" not in told
    assert await chat.controllers() == (OWN, None)
    assert (await desk.conversation(chat))["status"] == "ended"


def _active(payload) -> str | None:
    return payload["conversation"].get("activeSwitchboardIntegration", {}).get("name")


@pytest.mark.parametrize(
    ("control", "kind", "active"),
    [
        ("pass", "switchboard:passControl", BOT),
        ("release", "switchboard:releaseControl", None),
        ("none", None, WORKSPACE),
    ],
)
async def test_closed_ticket_says_so_and_moves_control_as_the_account_does(
    desk, chat, portal, control, kind, active
):
    await desk.configure(closed_control=control)
    await chat.hand_over()
    await desk.accept(chat)

    await desk.act(chat, "end", how="close")
    activity = await portal.until(lambda: _activities(portal))
    if kind:
        await portal.until(lambda: [one for one in portal.of(kind) if one.get("reason")])
        assert portal.of(kind)[-1]["reason"] == "ticketClosed"

    assert activity == ["ticket:closed"]
    assert (await chat.controllers())[0] == active
    shown = await desk.conversation(chat)
    assert (shown["status"], shown["session_ended_by"]) == ("ended", "agent")


def _activities(portal) -> list[str]:
    messages = [one["message"] for one in portal.of("conversation:message")]
    return [one["activity"]["type"] for one in messages if "activity" in one]


async def test_conversation_moved_to_email_says_so(desk, chat, portal):
    await chat.hand_over()
    await desk.accept(chat)

    await desk.act(chat, "end", how="email")
    await portal.until(lambda: [e for e in portal.of("switchboard:passControl") if "reason" in e])

    assert portal.of("switchboard:passControl")[-1]["reason"] == "transferToEmail"
    assert _activities(portal) == ["ticket:transfer:email"]


async def test_ended_session_releases_control_and_leaves_the_ticket_open(desk, chat, portal):
    await chat.hand_over()
    await desk.accept(chat)

    await desk.act(chat, "end")
    [told] = await portal.until(lambda: portal.of("switchboard:releaseControl"))
    shown = await desk.conversation(chat)

    assert "activeSwitchboardIntegration" not in told["conversation"]
    assert "reason" not in told
    assert (shown["status"], shown["session_status"]) == ("ended", "OPEN")
    assert (await desk.refused(chat, "say", text="too late")) == 409


async def test_end_user_may_end_where_the_account_allows_it(desk, chat, portal):
    await chat.hand_over()

    await desk.act(chat, "user_ends")
    await portal.until(lambda: portal.of("switchboard:releaseControl"))

    assert _activities(portal) == ["conversation:endedByUser"]


async def test_portal_ends_by_taking_control_back_and_releasing_it(desk, chat):
    await chat.hand_over()
    await desk.accept(chat)

    refused, _ = await chat.on("POST", "/releaseControl")
    await chat.pass_control(OWN)
    released, _ = await chat.on("POST", "/releaseControl")

    assert (refused, released) == (403, 200)
    assert (await desk.conversation(chat))["status"] == "ended"
    assert (await desk.conversation(chat))["session_status"] == "OPEN"
