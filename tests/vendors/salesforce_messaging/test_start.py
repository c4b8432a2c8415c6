"""What Salesforce is told when a handoff starts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine
from integrations.kit.conversation_entries.answers import stable_id
from integrations.kit.conversation_entries.opening import (
    MAX_TRANSCRIPT_PARTS,
    language_for,
    routing_attributes,
)
from integrations.kit.conversation_entries.opening import (
    opening_messages as openings_within,
)
from integrations.kit.json_values import json_text
from integrations.vendors.salesforce_messaging.mapping import conversation_id_for, text_limit

AT = datetime(2026, 11, 20, 9, 13, 50, tzinfo=UTC)
LIMIT = text_limit({})
ANONYMOUS = EndUserIdentity(external_id="")


def line(text: str, speaker: str = "end_user", at: datetime = AT) -> TranscriptLine:
    return TranscriptLine(speaker=speaker, text=text, sent_at=at)


def request(
    *lines: TranscriptLine,
    end_user: EndUserIdentity = ANONYMOUS,
    locale: str = "",
    **routing: object,
) -> HandoffRequest:
    return HandoffRequest(
        handoff_id="ho_1",
        conversation_id="cv_1",
        end_user=end_user,
        channel="webchat",
        transcript=lines,
        routing=routing,
        locale=locale,
    )


def opening_messages(given: HandoffRequest) -> list[tuple[str, str]]:
    return openings_within(given, LIMIT)


def attributes(given: HandoffRequest, *, is_authenticated: bool = False, **credentials: str):
    return routing_attributes(given, credentials, is_authenticated=is_authenticated)


@given(st.text(max_size=40))
def test_conversation_id_is_a_lowercase_uuid_v4_and_always_the_same(handoff_id: str):
    found = uuid.UUID(conversation_id_for(handoff_id))

    assert found.version == 4
    assert found.variant == uuid.RFC_4122
    assert str(found) == conversation_id_for(handoff_id)


def test_ids_of_different_things_differ():
    assert len({stable_id("a", "b"), stable_id("ab"), stable_id("b", "a")}) == 3


def test_trace_and_identity_are_always_sent_under_the_configured_names():
    assert attributes(request()) == {
        "PortalSessionId": "cv_1",
        "Chat_Consumer_Type": "unauthenticated",
    }
    assert attributes(
        request(),
        is_authenticated=True,
        session_attribute_name="Trace",
        consumer_type_attribute="Kind",
    ) == {"Trace": "cv_1", "Kind": "authenticated"}


def test_the_tools_attributes_win_over_configured_ones():
    found = attributes(
        request(attributes={"A": 1, "B": True, "C": None}, routing_attributes={"A": "2"}),
        routing_attributes='{"A": "configured", "D": "4"}',
    )

    assert (found["A"], found["B"], found["D"]) == ("2", "true", "4")
    assert "C" not in found


def test_standard_hints_become_attributes_only_when_given():
    found = attributes(request(queue="billing", skills=["es", "refund"], subject="Parcel"))

    assert found["queue"] == "billing"
    assert found["skills"] == "es, refund"
    assert found["subject"] == found["_subject"] == "Parcel"
    assert "department" not in found


def test_name_and_mail_come_from_a_verified_identity_or_from_the_tool_only():
    claimed = EndUserIdentity(external_id="u", name="Mallory M", email="m@example.org")
    verified = EndUserIdentity(
        external_id="u", is_verified=True, name="Ines de la Vega", email="ines@example.org"
    )

    assert "_firstName" not in attributes(request(end_user=claimed))
    assert attributes(request(user_display_name=" Given"))["_firstName"] == "Given"
    found = attributes(request(end_user=verified, user_email="other@example.org"))
    assert (found["_firstName"], found["_lastName"]) == ("Ines", "de la Vega")
    assert found["_email"] == "ines@example.org"


def test_long_values_are_cut():
    assert len(attributes(request(pre_chat={"Long": "x" * 5000}))["Long"]) == 1024


@pytest.mark.parametrize(
    ("locale", "language"),
    [("en-US", "en_US"), ("de", "de"), ("zh-Hant-TW", "zh_TW"), ("", ""), ("???", "")],
)
def test_locale_is_written_as_salesforce_wants_it(locale: str, language: str):
    assert language_for(request(locale=locale)) == language


def test_transcript_tells_who_said_what_and_when():
    given_request = request(line("Hi"), line("Hello", "ai_agent", AT + timedelta(seconds=5)))

    [(_, text)] = opening_messages(given_request)

    assert text == (
        "Transcript of the conversation with the AI agent\n"
        "[2026-11-20 09:13:50 UTC] End user: Hi\n"
        "[2026-11-20 09:13:55 UTC] AI agent: Hello"
    )


@pytest.mark.parametrize(
    ("mode", "starts"),
    [
        ("full", ["Summary", "Transcript"]),
        ("summary", ["Summary"]),
        ("link", ["Summary"]),
        ("none", []),
    ],
)
def test_the_tool_decides_how_much_is_passed_on(mode: str, starts: list[str]):
    found = opening_messages(request(line("Hi"), summary="Wants a refund", transcript=mode))

    assert [text.split()[0] for _, text in found] == starts


def test_empty_conversation_opens_without_a_message():
    assert opening_messages(request()) == []


@given(st.lists(st.text(max_size=9000), max_size=8))
def test_parts_stay_below_the_limit_and_lose_nothing(texts: list[str]):
    found = opening_messages(request(*[line(text) for text in texts]))

    assert all(len(json_text(text).encode()) <= LIMIT + 2 for _, text in found)
    assert len({message_id for message_id, _ in found}) == len(found)
    together = "".join(text.split("\n", 1)[1] for _, text in found)
    assert sum(together.count(c) for c in "xyz") == sum(t.count(c) for t in texts for c in "xyz")


@pytest.mark.parametrize("letter", ["x", "é", "م", "👩‍👩‍👧", '"', "\n", "\x01"])
def test_parts_fill_what_the_wire_allows_whatever_the_letters(letter: str):
    found = opening_messages(request(line(letter * 9000)))

    sizes = [len(json_text(text).encode()) - 2 for _, text in found]
    assert max(sizes) <= LIMIT
    assert sizes[0] > LIMIT * 0.9


def test_earlier_live_agent_is_named_as_one_in_the_next_handoffs_transcript():
    [(_, text)] = opening_messages(request(line("Bye", "live_agent")))

    assert text.endswith("Live agent: Bye")


def test_attribute_is_never_cut_inside_what_is_seen_as_one():
    family = "👩‍👩‍👧"

    found = attributes(request(attributes={"note": family * 300, "flags": [True, 2]}))

    assert found["note"] == family * (1024 // len(family))
    assert found["flags"] == "true, 2"


def test_very_long_transcript_keeps_its_end_and_says_what_is_missing():
    found = opening_messages(request(*[line(f"{n} " + "x" * 6000) for n in range(40)]))

    assert len(found) == MAX_TRANSCRIPT_PARTS
    assert "Earlier lines are left out" in found[0][1]
    assert "39 xxx" in found[-1][1]


def test_a_repeated_start_sends_the_same_ids():
    given_request = request(line("Hi"), line("x" * 20000), summary="Short")

    assert opening_messages(given_request) == opening_messages(given_request)
