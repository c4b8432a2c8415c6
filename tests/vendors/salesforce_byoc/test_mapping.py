"""What the channel's platform events mean to us; the entries in them are the shared schema's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
)
from integrations.kit.conversation_entries.entries import events_of
from integrations.vendors.salesforce_byoc import mapping
from integrations.vendors.salesforce_byoc.mapping import (
    Envelope,
    capabilities,
    entry_of,
    envelope_of,
    routing_info,
    wanted_work,
)
from tests.contract.bench import handoff_request

FIXTURES = Path(mapping.__file__).parent / "fixtures"
CONVERSATION = "9e2f5a34-1c77-4b0e-9d52-0a9b7c1d2e3f"
FIELDS = {"payload_field": "Payload__c", "type_field": "EventType__c"}


def envelope(name: str) -> Envelope:
    raw = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    payload = {**raw, "Payload__c": json.dumps(raw["Payload__c"])}
    found = envelope_of(payload, **FIELDS)
    assert found is not None
    return found


@pytest.mark.parametrize("shape", ["message", "message_flat"])
def test_both_shapes_of_an_event_are_the_same_message_of_the_same_conversation(shape: str):
    found = envelope(shape)

    [said] = events_of(entry_of(found, CONVERSATION))

    assert isinstance(said, LiveAgentMessage)
    assert (said.text, said.agent_name) == ("Hello Ines", "Noor Halvorsen")
    assert said.vendor_event_id == "6a0f8a17-6f8e-4a3e-9a3a-9d0e6a1d7b20"
    assert "baton:ho_1" in found.keys
    assert (CONVERSATION in found.keys) == (shape == "message")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("message_automatic", [SystemNotice]),
        ("message_attachments", [LiveAgentMessage]),
        ("message_choices", [LiveAgentMessage]),
        ("message_form", [LiveAgentMessage]),
        ("message_rich_link", [LiveAgentMessage]),
        ("message_own", [MessageEchoed]),
        ("message_updated", [LiveAgentMessage]),
        ("message_edited", [LiveAgentMessageEdited]),
        ("message_delivery_failed", [MessageFailed]),
        ("participant_added", [LiveAgentJoined]),
        ("participant_removed", [LiveAgentLeft]),
        ("routing_result_wait", [QueuePositionChanged]),
        ("routing_result_transfer", [TransferStarted]),
        ("routing_result_error", [NoLiveAgents]),
        ("routing_work_result", []),
        ("queue_position", [QueuePositionChanged]),
        ("typing_started", [LiveAgentTyping]),
        ("typing_stopped", [LiveAgentTyping]),
        ("delivery_acknowledgement", [MessageDelivered]),
        ("read_acknowledgement", [MessageRead]),
        ("session_inactive", [IdleWarning]),
        ("session_ended", [ConversationEnded]),
        ("session_error", [ConversationEnded]),
        ("consent_updated", []),
        ("progress_indicator", []),
        ("unknown", [UnknownEvent]),
    ],
)
def test_each_entry_of_the_event_becomes_what_the_table_says(name: str, kinds: list[type]):
    found = envelope(name)

    events = events_of(entry_of(found, CONVERSATION))

    assert [type(event) for event in events] == kinds
    assert {event.vendor_conversation_id for event in events} <= {CONVERSATION}
    assert CONVERSATION in found.keys


def test_a_request_for_routing_is_answered_with_the_live_agent_that_it_names():
    found = envelope("routing_requested_agent")

    work, info = wanted_work(found.content)

    assert (found.kind, found.conversation_id, info) == ("RoutingRequested", CONVERSATION, None)
    assert work == {
        "userId": "0058Y000002EfGh",
        "workItemId": "0Mw8Y0000004XyZ",
        "capacityWeight": 1,
        "routingContext": {
            "conversationIdentifier": CONVERSATION,
            "routingType": "Transfer",
            "routingCorrelationId": "e-1",
        },
    }


def test_a_request_for_routing_to_a_queue_names_that_queue_and_an_empty_one_nothing():
    assert wanted_work(envelope("routing_requested_queue").content) == (
        None,
        {"queueId": "00G8Y000000TeSt"},
    )
    assert wanted_work({}) == (None, None)


@pytest.mark.parametrize(
    ("routing", "credentials", "info"),
    [
        ({}, {}, None),
        ({"queue_id": "00G1"}, {"routing_queue_id": "00G2"}, {"queueId": "00G1"}),
        ({}, {"routing_queue_id": "00G2"}, {"queueId": "00G2"}),
        (
            {"flow_id": "3001"},
            {"routing_queue_id": "00G2"},
            {"flow": {"flowId": "3001", "queueId": "00G2"}},
        ),
    ],
)
def test_where_to_route_is_the_hints_then_the_forms_and_else_salesforces(
    routing: dict, credentials: dict, info: dict | None
):
    found = routing_info(handoff_request(routing=routing), credentials, {"a": "1"})

    assert found == (info and {**info, "routingAttributes": {"a": "1"}})


def test_what_the_portal_can_draw_is_said_for_the_definition():
    found = capabilities({"conversationChannelDefinitionDevName": "Portal"})

    [channel] = found["channelCapabilities"]
    kinds = [row["messageType"] for row in channel["messageTypeCapabilities"]]
    assert kinds == ["StaticContentMessage", "ChoicesMessage", "FormMessage"]
    assert channel["customIntegration"]["conversationChannelDefinitionDevName"] == "Portal"


@given(text=st.text() | st.just('{"payload": 3, "recipient": []}') | st.just("[1]"))
def test_nothing_that_an_event_may_hold_raises(text: str):
    found = envelope_of({"Payload__c": text, "EventType__c": 4}, **FIELDS)

    if found is not None:
        entry_of(found, CONVERSATION)
        wanted_work(found.content)
