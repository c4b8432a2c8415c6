"""What Amazon Connect is told when a handoff starts, and how often it is told anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine
from integrations.contract.errors import InvalidRoutingError
from integrations.vendors.amazon_connect.connector.connector import BURST, EventBudget
from integrations.vendors.amazon_connect.mapping.messages import (
    MAX_ATTRIBUTE_BYTES,
    MAX_CONTENT_BYTES,
    contact_attributes,
    display_name,
    opening_text,
    start_request,
)
from tests.contract.bench import handoff_request

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
INES = EndUserIdentity(
    external_id="ines-4411", is_verified=True, name="Ines Okafor", email="ines@birchline.example"
)


def lines(*texts: str) -> list[TranscriptLine]:
    return [TranscriptLine(speaker="end_user", text=text, sent_at=AT) for text in texts]


def body(request: HandoffRequest, **credentials: str) -> dict[str, object]:
    return start_request(request, credentials, instance_id="i", contact_flow_id="f")


def test_same_handoff_gives_the_same_request():
    request = handoff_request(routing={"attributes": {"a": 1}, "summary": "Late parcel"})

    assert body(request) == body(request)
    assert body(request)["ClientToken"] == f"{request.handoff_id}-start"


def test_plain_text_is_among_the_content_types():
    assert "text/plain" in body(handoff_request())["SupportedMessagingContentTypes"]


@pytest.mark.parametrize(
    ("mode", "holds", "lacks"),
    [
        ("full", ["Late parcel", "Where is it?"], []),
        ("summary", ["Late parcel"], ["Where is it?"]),
        ("link", ["Late parcel"], ["Where is it?"]),
        ("none", [], ["Late parcel", "Where is it?"]),
    ],
)
def test_transcript_mode_decides_what_the_first_message_holds(
    mode: str, holds: list[str], lacks: list[str]
):
    text = opening_text(handoff_request(routing={"transcript": mode, "summary": "Late parcel"}))

    assert all(part in text for part in holds)
    assert not any(part in text for part in lacks)


def test_nothing_to_say_is_no_message():
    request = handoff_request(routing={"transcript": "none"})

    assert "InitialMessage" not in body(request, transcript_when="start")


def test_long_transcript_keeps_its_end_and_says_so():
    request = handoff_request(transcript=lines(*(f"line {n} {'ü' * 200}" for n in range(200))))

    text = opening_text(request)

    assert len(text.encode()) <= MAX_CONTENT_BYTES
    assert "(Earlier lines are left out.)" in text
    assert "line 199 " in text
    assert "line 0 " not in text


def test_a_live_agent_of_an_earlier_handoff_is_named_as_people_say():
    earlier = [TranscriptLine(speaker="live_agent", text="Look in the shed.", sent_at=AT)]

    text = opening_text(handoff_request(transcript=earlier))

    assert "[2026-03-01 09:30:00 UTC] Live agent: Look in the shed." in text


@given(
    st.lists(st.text(max_size=9000), max_size=4),
    st.text(max_size=20000),
)
def test_first_message_always_fits(texts: list[str], summary: str):
    request = handoff_request(transcript=lines(*texts), routing={"summary": summary})

    assert len(opening_text(request).encode("utf-8", errors="replace")) <= MAX_CONTENT_BYTES


def test_attributes_hold_ids_hints_and_the_tools_own():
    request = handoff_request(
        routing={
            "skills": ["billing", "german"],
            "priority": 3,
            "reason": "billing",
            "attributes": {"Order Ref": "BL-20931", "vip": True, "empty": None},
        }
    )

    found = contact_attributes(request)

    assert found["handoff_id"] == request.handoff_id
    assert found["conversation_id"] == "cv_ines"
    assert found["skills"] == "billing, german"
    assert (found["priority"], found["vip"]) == ("3", "true")
    assert found["Order_Ref"] == "BL-20931"
    assert "empty" not in found


def test_attributes_beyond_the_limit_are_a_clear_error():
    request = handoff_request(routing={"attributes": {"huge": "ü" * 20000, "small": "1"}})

    with pytest.raises(InvalidRoutingError) as caught:
        contact_attributes(request)

    assert (caught.value.vendor_code, caught.value.field) == ("attributes_too_large", "attributes")
    assert f"takes {MAX_ATTRIBUTE_BYTES}" in caught.value.message
    assert "ü" not in caught.value.message


@pytest.mark.parametrize(
    ("routing", "credentials", "past"),
    [
        ({}, {}, None),
        ({}, {"persistent_chat": "true"}, ("ENTIRE_PAST_SESSION", "c-last")),
        ({"related_contact_id": "c-1"}, {"persistent_chat": "true"}, None),
        ({"source_contact_id": "c-9"}, {}, ("ENTIRE_PAST_SESSION", "c-9")),
        (
            {"source_contact_id": "c-9", "rehydration_type": "FROM_SEGMENT"},
            {"persistent_chat": "true"},
            ("FROM_SEGMENT", "c-9"),
        ),
    ],
)
def test_chat_that_is_continued(routing: dict, credentials: dict, past: tuple[str, str] | None):
    request = handoff_request(routing=routing, previous_conversation_id="c-last")

    found = body(request, **credentials).get("PersistentChat")

    wanted = past and {"RehydrationType": past[0], "SourceContactId": past[1]}
    assert found == wanted


def test_a_flows_bot_hears_the_transcript_only_if_the_admin_says_so():
    request = handoff_request()

    assert "InitialMessage" not in body(request)
    assert "Where is it?" in str(body(request, transcript_when="start")["InitialMessage"])


@pytest.mark.parametrize(
    ("changes", "credentials", "name"),
    [
        ({"end_user": INES, "routing": {"user_display_name": "Guest 4417"}}, {}, "Ines Okafor"),
        ({"routing": {"user_display_name": " Guest 4417 "}}, {}, "Guest 4417"),
        ({}, {"user_display_name_default": "Visitor"}, "Visitor"),
        ({}, {}, "Guest"),
        ({"end_user": EndUserIdentity(external_id="", name="Anybody")}, {}, "Guest"),
        ({"routing": {"user_display_name": "x" * 300}}, {}, "x" * 256),
    ],
)
def test_name_shown_is_vouched_for(changes: dict, credentials: dict[str, str], name: str):
    assert display_name(handoff_request(**changes), credentials) == name


def test_only_a_verified_end_user_is_identified():
    named = contact_attributes(handoff_request(end_user=INES))
    claimed = contact_attributes(
        handoff_request(end_user=EndUserIdentity(external_id="x", email="x@birchline.example"))
    )

    assert named["user_email"] == "ines@birchline.example"
    assert "user_email" not in claimed


@pytest.mark.parametrize(
    ("routing", "credentials", "minutes"),
    [
        ({}, {}, None),
        ({}, {"chat_duration_minutes": "1440"}, 1440),
        ({"chat_duration_minutes": 90}, {"chat_duration_minutes": "1440"}, 90),
        ({"chat_duration_minutes": 5}, {}, 60),
        ({"chat_duration_minutes": "soon"}, {}, None),
    ],
)
def test_longest_chat(routing: dict, credentials: dict[str, str], minutes: int | None):
    found = body(handoff_request(routing=routing), **credentials)

    assert found.get("ChatDurationInMinutes") == minutes


def test_ids_of_the_customers_systems_are_passed_on():
    found = body(
        handoff_request(routing={"related_contact_id": " c-1 ", "customer_id": "crm-7", "x": 1})
    )

    assert (found["RelatedContactId"], found["CustomerId"]) == ("c-1", "crm-7")


def test_typing_of_one_chat_leaves_room_for_the_others():
    budget = EventBudget(typing_seconds=60)

    allowed = [budget.allows_typing("one") for _ in range(5)]

    assert allowed == [True, False, False, False, False]
    assert budget.allows_typing("two")


def test_events_beyond_the_budget_are_dropped():
    budget = EventBudget()

    allowed = [budget.allows_event() for _ in range(50)]

    assert BURST <= sum(allowed) < 20
