"""Each event of the contract becomes an event of ours, if the admin has ticked it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.contract import events
from integrations.vendors.custom.mapping import availability_of, events_of

FIXTURES = Path(__file__).resolve().parents[3] / "integrations/vendors/custom/fixtures"
EVERYTHING = frozenset({"typing", "read", "attachments", "queue_status"})
AT = datetime(2026, 11, 20, 9, 14, 10, tzinfo=UTC)


def body(name: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((FIXTURES / f"{name}.json").read_text()), **changes}


def heard(name: str, ticked: frozenset[str] = EVERYTHING, **changes: Any) -> list[Any]:
    return events_of("ext-5f0c", body(name, **changes), ticked)


def test_a_place_in_the_queue_and_the_waiting_time_are_both_passed_on():
    [event] = heard("queue")

    assert isinstance(event, events.QueuePositionChanged)
    assert (event.position, event.estimated_wait_seconds, event.queue_name) == (2, 90, "Parcels")


def test_acceptance_tells_the_queue_and_nothing_without_one():
    [event] = heard("accepted")

    assert (type(event), event.queue_name) == (events.QueuePositionChanged, "Parcels")
    assert heard("accepted", data={}) == []


def test_a_live_agent_joins_with_name_and_picture_at_the_time_that_was_told():
    [event] = heard("joined")

    assert isinstance(event, events.LiveAgentJoined)
    assert (event.agent_id, event.agent_name) == ("noor.halvorsen", "Noor Halvorsen")
    assert event.avatar_url == "https://desk.example.com/noor.png"
    assert (event.vendor_event_id, event.occurred_at) == ("e-joined", AT)


def test_a_message_with_a_file_is_two_events_with_ids_of_their_own():
    text, file = heard("message")

    assert isinstance(text, events.LiveAgentMessage)
    assert isinstance(file, events.LiveAgentAttachment)
    assert (text.text, file.file_name, file.mime_type) == (
        "Hello Ines",
        "label.pdf",
        "application/pdf",
    )
    assert (text.vendor_event_id, file.vendor_event_id) == ("e-message", "e-message:0")


def test_a_message_without_a_live_agent_is_the_systems():
    [event] = heard("message_system")

    assert isinstance(event, events.SystemNotice)
    assert event.text == "You are being connected."


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("typing", events.LiveAgentTyping),
        ("read", events.MessageRead),
        ("transferred", events.TransferStarted),
        ("left", events.LiveAgentLeft),
        ("closed", events.ConversationEnded),
        ("error", events.NoLiveAgents),
    ],
)
def test_each_other_type_has_its_event(name: str, kind: type[events.VendorEvent]):
    [event] = heard(name)

    assert type(event) is kind


def test_an_error_other_than_nobody_there_ends_the_conversation():
    [event] = heard("error", data={"code": "broken"})

    assert isinstance(event, events.ConversationEnded)
    assert event.ended_by == "error"


@pytest.mark.parametrize("name", ["typing", "read", "queue"])
def test_what_is_not_ticked_is_not_taken(name: str):
    assert heard(name, ticked=frozenset()) == []


def test_without_the_tick_for_files_the_text_comes_alone():
    [event] = heard("message", ticked=frozenset())

    assert isinstance(event, events.LiveAgentMessage)


def test_a_type_that_nobody_knows_is_named_and_dropped():
    [event] = heard("closed", type="applause")

    assert isinstance(event, events.UnknownEvent)
    assert event.name == "applause"


@pytest.mark.parametrize("data", [None, [], "text", {"agent": 4, "text": {}, "attachments": 7}])
@pytest.mark.parametrize("name", [path.stem for path in sorted(FIXTURES.glob("*.json"))])
def test_data_of_any_wrong_form_raises_nothing(name: str, data: object):
    found = heard(name, data=data)

    assert all(event.vendor_conversation_id == "ext-5f0c" for event in found)


def test_a_missing_time_is_that_of_the_signature():
    told = body("left", received_at="2026-11-20T09:14:12+00:00")
    del told["occurred_at"]

    [event] = events_of("ext-5f0c", told, EVERYTHING)

    assert event.occurred_at == datetime(2026, 11, 20, 9, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "is_available", "position"),
    [
        ({"available": True, "position": 2}, True, 2),
        ({"available": False}, False, None),
        ({"available": "yes", "position": -1}, None, None),
        ({}, None, None),
    ],
)
def test_availability_is_yes_no_or_unknown(
    answer: dict[str, object], is_available: bool | None, position: int | None
):
    found = availability_of(answer)

    assert (found.is_available, found.position) == (is_available, position)
