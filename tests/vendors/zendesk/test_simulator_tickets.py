"""Tickets: what handing over makes of metadata, and what the ticket webhook tells."""

from __future__ import annotations

import base64
import hashlib
import hmac

from tests.vendors.desk import AGENT
from tests.vendors.zendesk.simulator_harness import OWN, WORKSPACE

STATUS = "zen:event-type:ticket.status_changed"
ASSIGNED = "zen:event-type:ticket.agent_assignment_changed"
ADDED = "zen:event-type:messaging_ticket.message_added"


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
    shown = await desk.conversation(chat)
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

    fields = (await desk.conversation(chat))["session_fields"]
    assert (fields.get("Field 1"), fields.get("Field 2")) == ("a", None)


async def test_metadata_after_the_ticket_was_made_changes_nothing(desk, chat):
    await chat.hand_over(**{"dataCapture.systemField.tags": "first"})
    await chat.pass_control(OWN)

    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "second"})

    shown = await desk.conversation(chat)
    assert shown["session_fields"]["Tags"] == "first"
    assert (len(shown["sessions"]), shown["status"]) == (1, "queued")


async def test_conversation_without_a_message_makes_its_ticket_with_the_first(desk, chat):
    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "kept"})
    before = await desk.get("conversations")

    await chat.say("Now then")

    assert before == []
    assert (await desk.conversation(chat))["session_fields"]["Tags"] == "kept"


async def test_default_agent_workspace_makes_a_ticket_before_any_metadata(desk, caller):
    await desk.configure(default_switchboard="agent_workspace")
    chat = await caller.conversation()
    await chat.say("Hello")

    await chat.pass_control(WORKSPACE, **{"dataCapture.systemField.tags": "late"})

    assert "Tags" not in (await desk.conversation(chat))["session_fields"]


async def test_agent_sees_from_the_first_message_named_else_the_last_ten(desk, caller, chat):
    said = [await chat.say(f"line {number}") for number in range(15)]
    other = await caller.conversation()
    for number in range(15):
        await other.say(f"line {number}")

    await chat.pass_control(WORKSPACE, first_message_id=said[2]["id"])
    await other.pass_control(WORKSPACE)

    texts = [one["text"] for one in (await desk.conversation(chat))["messages"]]
    assert texts == [f"line {number}" for number in range(2, 15)]
    texts = [one["text"] for one in (await desk.conversation(other))["messages"]]
    assert texts == [f"line {number}" for number in range(5, 15)]


async def test_message_reopens_a_solved_ticket_and_opens_another_after_a_closed_one(desk, chat):
    await desk.configure(closed_control="none")
    await chat.hand_over()
    await desk.accept(chat)
    await desk.act(chat, "end", how="solve")
    solved = await desk.conversation(chat)
    await chat.say("One more thing")
    reopened = await desk.conversation(chat)
    await desk.act(chat, "end", how="close")
    await chat.say("And another")
    anew = await desk.conversation(chat)

    assert (solved["status"], solved["session_status"]) == ("ended", "SOLVED")
    assert (reopened["status"], reopened["session_status"]) == ("active", "OPEN")
    assert (anew["status"], anew["session_status"]) == ("queued", "NEW")
    assert len(anew["sessions"]) == 2


# -- The ticket webhook ---------------------------------------------------------------------------


async def test_ticket_event_is_signed_and_carries_the_key(desk, chat, portal):
    await chat.hand_over()
    await desk.accept(chat)
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
    await desk.accept(chat)
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
    await desk.accept(chat)
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
    await desk.accept(chat)

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
