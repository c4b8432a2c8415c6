"""What each of Salesforce's events means to us; one fixture for each."""

from __future__ import annotations

import json
from dataclasses import replace
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
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.conversation_entries import entries as mapping
from integrations.kit.conversation_entries.entries import (
    Entry,
    entry_from_json,
    entry_from_stream,
)
from integrations.vendors import salesforce_messaging

FIXTURES = Path(salesforce_messaging.__file__).parent / "fixtures"
CONVERSATION = "3f6c1d0e-8a57-4c2b-9b1e-5d2f7a90c114"
NOOR = "0058Y000001AbCd"
OUR_MESSAGE = "b6a2a6f8-0c55-4f0e-a1d7-1b1f0c4f2d90"


def fixture(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def from_stream(name: str) -> Entry:
    found = fixture(name)
    entry = entry_from_stream(found["event"], json.dumps(found["data"]), "fallback")
    assert entry is not None
    return entry


def from_list(name: str) -> Entry:
    item = fixture(name)["data"]["conversationEntry"]
    item["entryPayload"] = json.loads(item["entryPayload"])
    entry = entry_from_json(item, conversation_id=CONVERSATION)
    assert entry is not None
    return entry


def events(name: str) -> list[VendorEvent]:
    return mapping.events_of(from_stream(name))


def only(name: str) -> VendorEvent:
    found = events(name)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.json")))
def test_an_entry_means_the_same_from_the_stream_and_from_the_list(name: str):
    streamed, listed = mapping.events_of(from_stream(name)), mapping.events_of(from_list(name))

    if not any(isinstance(event, UnknownEvent) for event in streamed):
        assert listed == streamed
    assert [e.vendor_event_id for e in listed] == [e.vendor_event_id for e in streamed]
    assert len({e.vendor_event_id for e in streamed}) == len(streamed)


def test_live_agents_text_carries_who_and_when_by_the_servers_clock():
    event = only("message_text")

    assert isinstance(event, LiveAgentMessage)
    assert (event.text, event.agent_id, event.agent_name) == ("Hello Ines", NOOR, "Noor Halvorsen")
    assert event.vendor_conversation_id == CONVERSATION
    entry = fixture("message_text")["data"]["conversationEntry"]
    assert event.vendor_event_id == entry["identifier"]
    assert event.occurred_at.timestamp() * 1000 == entry["transcriptedTimestamp"]


def test_text_and_files_of_one_message_are_one_event():
    message = only("message_attachments")

    assert isinstance(message, LiveAgentMessage)
    assert message.text == "Your label"
    assert [(one.file_name, one.mime_type, one.url) for one in message.files] == [
        ("label.pdf", "application/pdf", "https://files.example.org/label.pdf"),
        ("map.png", "image/png", "https://files.example.org/map.png"),
    ]


def test_file_whose_upload_has_finished_comes_without_the_text_that_came_before():
    message = only("message_updated")

    assert isinstance(message, LiveAgentMessage)
    assert message.text == ""
    assert [(one.file_name, one.mime_type) for one in message.files] == [
        ("invoice.pdf", "application/octet-stream")
    ]
    assert message.vendor_event_id == "6a0f8a17-6f8e-4a3e-9a3a-00000000000e"


def test_own_message_comes_back_as_an_echo_under_its_id():
    event = only("message_echo")

    assert isinstance(event, MessageEchoed)
    assert event.vendor_message_id == event.vendor_event_id


def test_automatic_response_is_a_notice():
    assert isinstance(only("message_automatic"), SystemNotice)


def test_what_the_system_says_is_a_notice_though_it_gives_no_reason():
    [event] = mapping.events_of(replace(from_stream("message_chatbot"), role="System"))

    assert isinstance(event, SystemNotice)


def test_bot_speaks_for_itself_under_its_name():
    event = only("message_chatbot")

    assert isinstance(event, LiveAgentMessage)
    assert (event.by, event.agent_name) == (Author.VENDOR_BOT, "Helper")


def test_changed_message_is_an_edit_under_the_id_it_came_with():
    event, first = only("message_edited"), only("message_text")

    assert isinstance(event, LiveAgentMessageEdited)
    assert isinstance(first, LiveAgentMessage)
    assert event.text == "Hello Ines, I am Noor"
    assert event.vendor_message_id == first.vendor_message_id


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("message_delivery_failed", "DELIVERY_FAILED: Nobody was there."),
        ("message_upload_failed", "AttachmentTooLarge"),
    ],
)
def test_late_failure_names_our_message_and_why(name: str, reason: str):
    event = only(name)

    assert isinstance(event, MessageFailed)
    assert (event.vendor_message_id, event.reason) == (OUR_MESSAGE, reason)


def test_echo_of_a_file_that_failed_already_tells_both():
    entry = from_list("message_upload_failed")
    payload = {"abstractMessage": entry.payload["updatedMessage"]}

    found = mapping.events_of(replace(entry, entry_type="Message", role="EndUser", payload=payload))

    assert [type(event) for event in found] == [MessageEchoed, MessageFailed]


def test_failure_to_reach_the_end_user_is_no_failure_of_theirs():
    entry = from_list("message_delivery_failed")
    payload = {**entry.payload, "recipient": {"role": "EndUser", "subject": "x"}}

    assert mapping.events_of(replace(entry, payload=payload)) == []


def test_silent_end_user_is_warned_before_the_end():
    assert isinstance(only("session_inactive"), IdleWarning)


def test_live_agent_without_a_display_name_has_the_one_of_the_entry():
    entry = from_list("participant_added")
    [change] = entry.payload["entries"]  # type: ignore[misc]
    payload = {"entries": [{**change, "displayName": ""}]}
    own = replace(entry, subject=NOOR, sender_name="Noor Halvorsen", payload=payload)
    systems = replace(entry, subject="00D", sender_name="Automated Process", payload=payload)

    [joined], [nameless] = mapping.events_of(own), mapping.events_of(systems)

    assert isinstance(joined, LiveAgentJoined)
    assert joined.agent_name == "Noor Halvorsen"
    assert isinstance(nameless, LiveAgentJoined)
    assert nameless.agent_name == ""


@pytest.mark.parametrize(
    "name",
    [
        "message_internal",
        "participant_supervisor",
        "routing_result_no_wait",
        "routing_result_conference",
        "routing_result_cancelled_by_end_user",
        "routing_work_result",
        "typing_of_end_user",
        "acknowledgement_of_end_user",
        "session_active",
        "session_ended_by_supervisor",
        "session_owner_changed",
        "progress_indicator",
        "message_upload_completed",
        "consent_updated",
    ],
)
def test_what_is_not_for_the_end_user_means_nothing(name: str):
    assert events(name) == []


def test_live_agent_joins_and_leaves_by_name():
    joined, left = only("participant_added"), only("participant_removed")

    assert isinstance(joined, LiveAgentJoined)
    assert (joined.agent_id, joined.agent_name) == (NOOR, "Noor Halvorsen")
    assert isinstance(left, LiveAgentLeft)
    assert left.agent_id == NOOR


def test_two_live_agents_in_one_event_become_two_events_and_a_bot_none():
    left, joined = events("participants_swapped")

    assert isinstance(left, LiveAgentLeft)
    assert isinstance(joined, LiveAgentJoined)
    assert joined.agent_name == "Sam Achterberg"


def test_wait_is_told_only_when_salesforce_estimates_it():
    event = only("routing_result_wait")

    assert isinstance(event, QueuePositionChanged)
    assert (event.estimated_wait_seconds, event.position) == (95, None)


def test_place_in_the_queue_is_told():
    event = only("queue_position")

    assert isinstance(event, QueuePositionChanged)
    assert event.position == 3


def test_transfer_starts():
    assert isinstance(only("routing_result_transfer"), TransferStarted)


def test_failed_routing_means_that_nobody_comes():
    event = only("routing_result_error")

    assert isinstance(event, NoLiveAgents)
    assert event.detail == "No skilled agent"


@pytest.mark.parametrize(
    ("name", "is_typing"), [("typing_started", True), ("typing_stopped", False)]
)
def test_typing_of_the_live_agent_is_shown(name: str, is_typing: bool):
    event = only(name)

    assert isinstance(event, LiveAgentTyping)
    assert event.is_typing is is_typing


def test_acknowledged_message_is_found_in_either_place():
    delivered, read = only("delivery_acknowledgement"), only("read_acknowledgement")

    assert isinstance(delivered, MessageDelivered)
    assert isinstance(read, MessageRead)
    assert delivered.vendor_message_id == read.vendor_message_id == OUR_MESSAGE


@pytest.mark.parametrize(
    ("name", "ended_by", "cause"),
    [
        ("session_ended", "Agent", ""),
        ("session_error", "System", ""),
        ("session_ended_idle", "System", "vendor_idle"),
        ("close_conversation", "EndUser", ""),
    ],
)
def test_conversation_ends(name: str, ended_by: str, cause: str):
    event = only(name)

    assert isinstance(event, ConversationEnded)
    assert (event.ended_by, event.cause) == (ended_by, cause)


def test_unknown_event_is_known_by_its_name():
    event = only("unknown_event")

    assert isinstance(event, UnknownEvent)
    assert event.name == "CONVERSATION_FLAG_RAISE"


@pytest.mark.parametrize("data", ["", "0", "null", "[]", "{", '"x"', "[" * 10000])
def test_what_is_no_entry_is_none(data: str):
    assert entry_from_stream("", data, "fallback") is None


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(["Agent", "EndUser", "add", "remove", "Text", "Attachments", "Ended"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
def test_no_mangled_event_ever_raises(data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(path.stem for path in FIXTURES.glob("*.json"))))
    found = fixture(name)
    entry = found["data"]["conversationEntry"]
    entry["entryPayload"] = mangled(json.loads(entry["entryPayload"]), data)
    if data.draw(st.booleans()):
        entry["entryPayload"] = json.dumps(entry["entryPayload"])
    envelope = mangled(found["data"], data)

    read = entry_from_stream(found["event"], json.dumps(envelope), "fallback")

    if read is not None:
        for event in mapping.events_of(read):
            assert event.vendor_event_id
            assert event.occurred_at.tzinfo is not None


def mangled(value: object, data: st.DataObject) -> object:
    """Replace parts of a payload by something else."""
    if data.draw(st.integers(0, 9)) == 0:
        return data.draw(json_values)
    if isinstance(value, dict):
        return {key: mangled(item, data) for key, item in value.items()}
    if isinstance(value, list):
        return [mangled(item, data) for item in value]
    return value
