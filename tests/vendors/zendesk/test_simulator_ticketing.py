"""The ticketing API: who may call it, what it takes, what its tickets tell."""

from __future__ import annotations

import pytest

from tests.vendors.zendesk.simulator_harness import SUPPORT, Caller


async def test_token_names_its_user_and_a_bad_one_is_refused(desk, tickets):
    status, answer = await tickets.call("GET", "/users/me.json")
    bad = await tickets.call("GET", "/users/me", pair=(SUPPORT[0], "wrong"))
    password = await tickets.call("GET", "/users/me", pair=(SUPPORT[0].split("/")[0], SUPPORT[1]))
    await desk.configure(support_role="end-user")

    assert (status, answer["user"]["role"]) == (200, "admin")
    assert answer["user"]["email"] == "integration@brightside.example"
    assert bad == password == (401, {"error": "Couldn't authenticate you"})
    assert (await tickets.call("GET", "/users/me"))[1]["user"]["role"] == "end-user"
    assert (await tickets.call("POST", "/tickets", {"ticket": {}}))[0] == 403


async def test_conversations_key_opens_no_ticketing_door(http, tickets):
    assert (await tickets.call("GET", "/users/me", pair=Caller(http).key))[0] == 401


async def test_ticket_is_created_read_found_and_changed(tickets):
    made = await tickets.create(
        subject="Call me back",
        comment={"body": "Transcript follows"},
        requester={"name": "Ines Okafor", "email": "ines@sample.example"},
        tags=["ai_handoff"],
        custom_fields=[{"id": 36001, "value": "returns"}],
        external_id="hs-88",
        ticket_form_id=12,
        priority="high",
    )
    _, read = await tickets.call("GET", f"/tickets/{made['id']}.json")
    _, found = await tickets.call("GET", "/tickets.json?external_id=hs-88")
    change = {"status": "solved", "comment": {"body": "Done", "public": False}, "tags": ["a"]}
    _, changed = await tickets.call("PUT", f"/tickets/{made['id']}", {"ticket": change})
    _, tags = await tickets.call("PUT", f"/tickets/{made['id']}/tags", {"tags": ["b"]})
    _, comments = await tickets.call("GET", f"/tickets/{made['id']}/comments")

    assert read["ticket"] == made
    assert (made["status"], made["external_id"], made["ticket_form_id"]) == ("new", "hs-88", 12)
    assert made["description"] == "Transcript follows"
    assert [one["id"] for one in found["tickets"]] == [made["id"]]
    assert changed["ticket"]["status"] == "solved"
    assert tags == {"tags": ["a", "b"]}
    assert [(one["body"], one["public"]) for one in comments["comments"]] == [
        ("Transcript follows", True),
        ("Done", False),
    ]


async def test_same_requester_is_the_same_support_user(tickets):
    who = {"name": "Ines Okafor", "email": "ines@sample.example"}

    made = [await tickets.create(comment={"body": "a"}, requester=who) for _ in range(2)]

    assert made[0]["requester_id"] == made[1]["requester_id"] != made[0]["submitter_id"]


@pytest.mark.parametrize(
    ("ticket", "field"),
    [
        ({}, "base"),
        ({"comment": {"body": " "}}, "base"),
        ({"comment": {"body": "a"}, "status": "done"}, "status"),
        ({"comment": {"body": "a"}, "priority": "huge"}, "priority"),
        ({"comment": {"body": "a"}, "tags": "a b"}, "tags"),
        ({"comment": {"body": "a"}, "group_id": 999}, "group"),
        ({"comment": {"body": "a"}, "requester": {}}, "requester"),
        ({"comment": {"body": "a"}, "custom_fields": [{"id": 1}]}, "custom_fields"),
    ],
)
async def test_wrong_ticket_is_refused_field_by_field(tickets, ticket, field):
    status, answer = await tickets.call("POST", "/tickets", {"ticket": ticket})

    assert (status, answer["error"]) == (422, "RecordInvalid")
    assert field in answer["details"]


async def test_unknown_records_are_not_found_and_closed_tickets_take_no_change(tickets):
    made = await tickets.create(comment={"body": "a"}, status="closed")

    status, answer = await tickets.call("PUT", f"/tickets/{made['id']}", {"ticket": {"tags": []}})

    assert (status, answer["error"]) == (422, "RecordInvalid")
    for path in ("/tickets/1", "/users/1", "/groups/1"):
        assert (await tickets.call("GET", path))[0] == 404
    assert (await tickets.call("GET", "/groups/31"))[1]["group"]["name"] == "Support"
    assert (await tickets.call("POST", "/tickets", {"subject": "bare"}))[0] == 400


async def test_ticket_changed_by_api_is_told_like_an_agents_change(desk, chat, portal, tickets):
    await chat.hand_over()
    number = (await desk.conversation(chat))["session_fields"]["Ticket"]

    await tickets.call("PUT", f"/tickets/{number}", {"ticket": {"status": "solved"}})
    [event] = await portal.until(lambda: portal.ticket_events)

    assert event["event"]["current"] == "SOLVED"
    assert (await desk.conversation(chat))["status"] == "ended"


async def test_ticket_made_by_api_is_on_the_desk_where_its_status_can_be_set(desk, portal, tickets):
    who = {"name": "Ines Okafor", "email": "ines@sample.example"}
    made = await tickets.create(comment={"body": "Call me"}, requester=who, external_id="hs-88")
    [waiting] = await desk.get("conversations")
    said, _ = await desk.post(f"conversations/{made['id']}/say", text="hello")
    await desk.post(f"conversations/{made['id']}/end")
    [event] = await portal.until(lambda: portal.ticket_events)
    [solved] = await desk.get("conversations")

    assert (waiting["id"], waiting["status"]) == (str(made["id"]), "queued")
    assert waiting["end_user"]["display_name"] == "Ines Okafor"
    assert [(one["from"], one["text"]) for one in waiting["messages"]] == [("end_user", "Call me")]
    assert said == 409
    assert (event["event"]["current"], event["detail"]["via"]) == ("SOLVED", {"channel": "api"})
    assert solved["status"] == "ended"


async def test_conversation_log_names_the_messages_of_a_messaging_ticket(desk, chat, tickets):
    await chat.hand_over()
    number = (await desk.conversation(chat))["session_fields"]["Ticket"]
    said = (await chat.messages())["messages"]

    _, log = await tickets.call("GET", f"/tickets/{number}/conversation_log")

    [event] = log["events"]
    assert event["type"] == "Messaging::ConversationMessage"
    assert event["reference"] == f"zen:sunco:conversation_message:{said[0]['id']}"
    assert event["author"]["zen:sunco:user_id"] == chat.user_id
