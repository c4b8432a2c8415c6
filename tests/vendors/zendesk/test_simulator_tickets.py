"""Tickets: what handing over makes of metadata, the ticket webhook, and the ticketing API."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from tests.vendors.zendesk.simulator_harness import (
    AGENT,
    OWN,
    SUPPORT,
    WORKSPACE,
    Caller,
    basic,
)

STATUS = "zen:event-type:ticket.status_changed"
ASSIGNED = "zen:event-type:ticket.agent_assignment_changed"
ADDED = "zen:event-type:messaging_ticket.message_added"


class Tickets:
    """The ticketing API as the integration's Support user."""

    def __init__(self, http: Any) -> None:
        self.http = http

    async def call(
        self, method: str, path: str, body: object = None, pair: tuple[str, str] = SUPPORT
    ) -> tuple[int, Any]:
        headers = {"Authorization": basic(pair)}
        async with self.http.request(
            method, f"/api/v2{path}", json=body, headers=headers
        ) as response:
            return response.status, await response.json()

    async def create(self, **ticket: Any) -> dict[str, Any]:
        status, answer = await self.call("POST", "/tickets.json", {"ticket": ticket})
        assert status == 201, answer
        return answer["ticket"]


@pytest.fixture
def tickets(http) -> Tickets:
    return Tickets(http)


# -- What a handover makes ------------------------------------------------------------------------


async def test_metadata_of_the_handover_becomes_the_tickets_fields(desk, chat, tickets):
    await chat.hand_over(
        **{
            "dataCapture.ticketField.36001234567": "returns",
            "dataCapture.systemField.tags": "ai_handoff, hs_88",
            "dataCapture.systemField.subject": "Return of order 5521",
            "dataCapture.systemField.requester.email": "ines@sample.example",
            "dataCapture.systemField.priority": "high",
        }
    )
    shown = await desk.shown(chat)
    _, answer = await tickets.call("GET", f"/tickets/{shown['session_fields']['Ticket']}")
    _, requester = await tickets.call("GET", f"/users/{answer['ticket']['requester_id']}")

    ticket = answer["ticket"]
    assert ticket["custom_fields"] == [{"id": 36001234567, "value": "returns"}]
    assert ticket["tags"] == ["ai_handoff", "hs_88"]
    assert (ticket["subject"], ticket["priority"]) == ("Return of order 5521", "high")
    assert (ticket["status"], ticket["via"]) == ("new", {"channel": "native_messaging"})
    assert requester["user"]["email"] == "ines@sample.example"
    assert (shown["status"], shown["queue"]) == ("queued", "Support")
    assert shown["attributes"]["portalSession"] == "hs-88"


async def test_field_the_account_does_not_have_vanishes_silently(desk, chat):
    await desk.configure(ticket_field_ids=["1"])

    names = {f"dataCapture.ticketField.{number}": "a" for number in (1, 2)}
    await chat.hand_over(**names)

    fields = (await desk.shown(chat))["session_fields"]
    assert (fields.get("Field 1"), fields.get("Field 2")) == ("a", None)


async def test_metadata_after_the_ticket_was_made_changes_nothing(desk, chat):
    await chat.hand_over(**{"dataCapture.systemField.tags": "first"})
    await chat.pass_control(OWN)

    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "second"})

    shown = await desk.shown(chat)
    assert shown["session_fields"]["Tags"] == "first"
    assert (len(shown["sessions"]), shown["status"]) == (1, "queued")


async def test_conversation_without_a_message_makes_its_ticket_with_the_first(desk, chat):
    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "kept"})
    before = await desk.get("conversations")

    await chat.say("Now then")

    assert before == []
    assert (await desk.shown(chat))["session_fields"]["Tags"] == "kept"


async def test_default_agent_workspace_makes_a_ticket_before_any_metadata(desk, caller):
    await desk.configure(default_switchboard="agent_workspace")
    chat = await caller.conversation()
    await chat.say("Hello")

    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "late"})

    assert "Tags" not in (await desk.shown(chat))["session_fields"]


async def test_agent_sees_from_the_first_message_named_else_the_last_ten(desk, caller, chat):
    said = [await chat.say(f"line {number}") for number in range(15)]
    other = await caller.conversation()
    for number in range(15):
        await other.say(f"line {number}")

    await chat.pass_control(WORKSPACE, first_message_id=said[2]["id"])
    await other.pass_control(WORKSPACE)

    texts = [one["text"] for one in (await desk.shown(chat))["messages"]]
    assert texts == [f"line {number}" for number in range(2, 15)]
    texts = [one["text"] for one in (await desk.shown(other))["messages"]]
    assert texts == [f"line {number}" for number in range(5, 15)]


async def test_message_reopens_a_solved_ticket_and_opens_another_after_a_closed_one(desk, chat):
    await desk.configure(closed_control="none")
    await chat.hand_over()
    await desk.act(chat, "accept", agent_name=AGENT)
    await desk.act(chat, "end", how="solve")
    solved = await desk.shown(chat)
    await chat.say("One more thing")
    reopened = await desk.shown(chat)
    await desk.act(chat, "end", how="close")
    await chat.say("And another")
    anew = await desk.shown(chat)

    assert (solved["status"], solved["session_status"]) == ("ended", "SOLVED")
    assert (reopened["status"], reopened["session_status"]) == ("active", "OPEN")
    assert (anew["status"], anew["session_status"]) == ("queued", "NEW")
    assert len(anew["sessions"]) == 2


# -- The ticket webhook ---------------------------------------------------------------------------


async def test_ticket_event_is_signed_and_carries_the_key(desk, chat, portal):
    await chat.hand_over()
    await desk.act(chat, "accept", agent_name=AGENT)
    call = await portal.until(lambda: portal.at("/status") and portal.at("/status")[0])

    headers = {name.lower(): value for name, value in call.headers.items()}
    signed = headers["x-zendesk-webhook-signature-timestamp"].encode() + call.raw
    secret = (await desk.get("config"))["ticket_webhook_signing_secret"].encode()
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["x-zendesk-webhook-signature"] == expected
    assert headers["x-portal-ticket-key"] == "simulated-ticket-webhook-key"
    assert headers["x-zendesk-account-id"] == "424242"
    assert headers["x-zendesk-webhook-id"]
    assert headers["x-zendesk-webhook-invocation-id"]


async def test_assignment_and_status_are_told_with_the_ticket(desk, chat, portal):
    await chat.hand_over(**{"dataCapture.systemField.tags": "hs_88"})
    await desk.act(chat, "accept", agent_name=AGENT)
    await desk.act(chat, "transfer", agent_name="Sam Achterberg")
    await desk.act(chat, "transfer", queue="Billing")
    await desk.act(chat, "end", how="solve")
    await portal.until(lambda: len(portal.ticket_events) == 5)

    events = portal.ticket_events
    assigned = [e["event"] for e in events if e["type"] == ASSIGNED]
    statuses = [(e["event"]["previous"], e["event"]["current"]) for e in events if _is_status(e)]
    agents = [one["current"] for one in assigned]
    assert statuses == [("NEW", "OPEN"), ("OPEN", "SOLVED")]
    assert [one["previous"] for one in assigned] == [None, agents[0], agents[1]]
    assert agents[2] is None
    assert len(set(agents)) == 3
    assert events[0]["detail"]["tags"] == ["hs_88"]
    assert events[0]["subject"] == f"zen:ticket:{events[0]['detail']['id']}"
    assert [e["event"]["meta"]["sequence"]["position"] for e in events] == [1, 2, 3, 4, 5]
    assert len({e["id"] for e in events}) == 5


def _is_status(event) -> bool:
    return event["type"] == STATUS


async def test_assignee_is_the_agent_whose_messages_arrive(desk, chat, portal, tickets):
    await chat.hand_over()
    await desk.act(chat, "accept", agent_name=AGENT)
    await desk.act(chat, "say", text="Hello")
    await portal.until(lambda: "Hello" in portal.texts and portal.ticket_events)

    assignee = next(e["event"]["current"] for e in portal.ticket_events if e["type"] == ASSIGNED)
    message = portal.of("conversation:message")[-1]["message"]
    _, user = await tickets.call("GET", f"/users/{assignee}.json")
    assert message["metadata"]["__zendesk_msg.agent.id"] == assignee
    assert (user["user"]["name"], user["user"]["role"]) == (AGENT, "agent")


async def test_only_events_subscribed_to_are_told_and_tags_may_be_missing(desk, chat, portal):
    await desk.configure(ticket_webhook_events=[ADDED], ticket_events_have_tags=False)
    await chat.hand_over(**{"dataCapture.systemField.tags": "hs_88"})
    await desk.act(chat, "accept", agent_name=AGENT)

    await desk.act(chat, "say", text="Hello")
    await chat.say("Hello yourself")
    await portal.until(lambda: len(portal.ticket_events) == 2)

    assert {e["type"] for e in portal.ticket_events} == {ADDED}
    assert [e["event"]["actor"]["type"] for e in portal.ticket_events] == ["agent", "end_user"]
    assert portal.ticket_events[0]["event"]["message"]["body"] == "Hello"
    assert portal.ticket_events[0]["detail"]["tags"] == []


async def test_conflict_is_tried_again_and_other_refusals_are_not(desk, chat, portal):
    await desk.configure(webhook_target="", ticket_webhook_events=[STATUS])
    await chat.hand_over()
    portal.answers[:] = [409, 409, 200, 500, 200]

    await desk.act(chat, "status", status="pending")
    await portal.until(lambda: len(portal.ticket_events) == 3)
    await desk.act(chat, "status", status="hold")
    await desk.act(chat, "status", status="open")
    await portal.until(lambda: len(portal.ticket_events) == 5)

    told = [e["event"]["current"] for e in portal.ticket_events]
    assert told == ["PENDING", "PENDING", "PENDING", "HOLD", "OPEN"]
    assert len({e["id"] for e in portal.ticket_events[:3]}) == 1


# -- The ticketing API ----------------------------------------------------------------------------


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
    number = (await desk.shown(chat))["session_fields"]["Ticket"]

    await tickets.call("PUT", f"/tickets/{number}", {"ticket": {"status": "solved"}})
    [event] = await portal.until(lambda: portal.ticket_events)

    assert event["event"]["current"] == "SOLVED"
    assert (await desk.shown(chat))["status"] == "ended"


async def test_conversation_log_names_the_messages_of_a_messaging_ticket(desk, chat, tickets):
    await chat.hand_over()
    number = (await desk.shown(chat))["session_fields"]["Ticket"]
    said = (await chat.messages())["messages"]

    _, log = await tickets.call("GET", f"/tickets/{number}/conversation_log")

    [event] = log["events"]
    assert event["type"] == "Messaging::ConversationMessage"
    assert event["reference"] == f"zen:sunco:conversation_message:{said[0]['id']}"
    assert event["author"]["zen:sunco:user_id"] == chat.user_id
