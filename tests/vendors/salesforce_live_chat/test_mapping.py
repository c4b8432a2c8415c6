"""What each of Live Agent's messages means to us; one fixture for each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import EndUserIdentity
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    UnknownEvent,
)
from integrations.vendors.salesforce_live_chat import mapping
from integrations.vendors.salesforce_live_chat.mapping import Chat, Message, details, outcome_of
from tests.contract.bench import handoff_request

FIXTURES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (Path(mapping.__file__).parent / "fixtures").glob("*.json")
}
WITH_NOOR = Chat(agent_id="0058Y000001AbCd", agent_name="Noor Halvorsen", joins=1)


def told(name: str, chat: Chat = WITH_NOOR) -> tuple[Chat, list]:
    raw = FIXTURES[name]
    return outcome_of(message(raw["type"], raw["message"]), chat)


def message(kind: object, body: object) -> Message:
    return Message(
        name="poll:0:7:0", kind=kind, body=body, conversation_id="s-1", at=datetime.now(UTC)
    )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("established", []),
        ("request_success", [QueuePositionChanged]),
        ("request_success_queue", []),
        ("queue_update", [QueuePositionChanged]),
        ("request_fail", [NoLiveAgents, ConversationEnded]),
        ("typing", [LiveAgentTyping]),
        ("not_typing", [LiveAgentTyping]),
        ("text", [LiveAgentMessage]),
        ("transferred", [LiveAgentLeft, LiveAgentJoined]),
        ("disconnect", [LiveAgentLeft]),
        ("idle_triggered", [IdleWarning]),
        ("idle_cleared", []),
        ("file_requested", [SystemNotice]),
        ("file_canceled", []),
        ("breadcrumb", []),
        ("custom_event", []),
        ("switch_server", []),
        ("ended", [ConversationEnded]),
        ("unknown", [UnknownEvent]),
    ],
)
def test_each_message_becomes_what_it_means(name: str, kinds: list[type]):
    _, events = told(name)

    assert [type(event) for event in events] == kinds


def test_places_count_from_one_and_routing_by_queue_has_none():
    [requested], [updated] = told("request_success")[1], told("queue_update")[1]

    assert (requested.position, requested.estimated_wait_seconds) == (3, 95)
    assert updated.position == 1


def test_entities_of_html_become_characters_and_no_markup():
    [said] = told("text")[1]

    assert said.text == 'Fish & chips <b>not</b> "bold"'
    assert said.vendor_event_id == said.vendor_message_id == "line:1"


def test_lines_that_no_poll_brought_come_from_the_history_under_their_own_names():
    chat, events = told("session_data", Chat(**{**vars_of(WITH_NOOR), "lines": 1}))

    [said] = [event for event in events if isinstance(event, LiveAgentMessage)]
    assert (said.text, said.vendor_event_id, chat.lines) == ("Let me see", "line:2", 2)
    assert said.occurred_at == datetime.fromtimestamp(1795160060, UTC)
    assert told("session_data", chat)[1] == []


def test_who_wrote_the_first_line_of_the_history_has_joined_and_is_known_by_id_later():
    chat, events = told("session_data", Chat())
    joined = [event for event in events if isinstance(event, LiveAgentJoined)]

    later, more = told("established", chat)

    assert [event.agent_name for event in joined] == ["Noor Halvorsen"]
    assert (later.agent_id, more) == ("0058Y000001AbCd", [])


def test_a_request_for_a_file_holds_until_it_is_taken_back_or_its_live_agent_is_gone():
    asked, _ = told("file_requested")

    assert (asked.file_url, asked.file_token) == (
        "https://birchline.example/servlet/upload",
        "a1b2c3",
    )
    assert told("file_canceled", asked)[0].file_token == ""
    assert told("disconnect", asked)[0].file_token == ""


@given(kind=st.text(), body=st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_nothing_that_a_poll_may_hold_raises(kind: str, body: dict):
    for one in (kind, *(raw["type"] for raw in FIXTURES.values())):
        outcome_of(message(one, body), WITH_NOOR)


def test_what_goes_with_a_chat_is_hints_identity_trace_summary_and_transcript():
    ines = EndUserIdentity(external_id="u-1", is_verified=True, name="Ines Okafor", email="i@x.org")
    hints = {"queue": "Parcels", "attributes": {"a": 1}, "routing_attributes": {"a": 2}}
    request = handoff_request(end_user=ines, routing={**hints, "summary": "It is late."})

    found = details(request)

    assert found["queue"] == "Parcels"
    assert found["a"] == "2"
    assert (found["First name"], found["Last name"], found["Email"]) == (
        "Ines",
        "Okafor",
        "i@x.org",
    )
    assert found["PortalSessionId"] == "cv_ines"
    assert "It is late." in found["Summary"]
    assert "Let me see." in found["Transcript"]


@pytest.mark.parametrize(
    ("mode", "labels"), [("summary", {"Summary"}), ("link", {"Summary"}), ("none", set())]
)
def test_the_hint_transcript_decides_what_the_live_agent_reads(mode: str, labels: set[str]):
    request = handoff_request(routing={"summary": "Late.", "transcript": mode})

    assert {"Summary", "Transcript"} & set(details(request)) == labels


def vars_of(chat: Chat) -> dict:
    return {name: getattr(chat, name) for name in Chat.__dataclass_fields__}
