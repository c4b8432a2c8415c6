"""What Zendesk is told when a handoff starts, and how texts are cut."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine
from integrations.kit.cutting import utf16_units
from integrations.kit.json_values import json_text
from integrations.vendors.zendesk.mapping.outgoing import (
    MAX_METADATA_BYTES,
    MAX_TEXT_UNITS,
    MAX_TRANSCRIPT_PARTS,
    control_metadata,
    conversation_body,
    opening_lines,
    opening_postings,
    text_postings,
    ticket_tag,
    user_body,
    user_external_id,
)

AT = datetime(2026, 11, 20, 9, 13, 50, tzinfo=UTC)
ANONYMOUS = EndUserIdentity(external_id="")
FIELDS = {"summary_field_id": "36001", "conversation_field_id": "36002"}


def line(text: str, speaker: str = "end_user") -> TranscriptLine:
    return TranscriptLine(speaker=speaker, text=text, sent_at=AT)


def request(
    *lines: TranscriptLine, end_user: EndUserIdentity = ANONYMOUS, **routing: object
) -> HandoffRequest:
    return HandoffRequest(
        handoff_id="HOF-018f_A",
        conversation_id="cv_1",
        end_user=end_user,
        channel="webchat",
        transcript=lines,
        routing=routing,
    )


def metadata(given_request: HandoffRequest, **credentials: str):
    return control_metadata(given_request, credentials, first_message_id="7a01")


def test_a_visitors_claim_never_meets_a_verified_end_user():
    claimed = EndUserIdentity(external_id="u-1")
    verified = EndUserIdentity(external_id="u-1", is_verified=True)

    names = [user_external_id(request(end_user=user)) for user in (claimed, verified, ANONYMOUS)]

    assert len(set(names)) == 3
    assert names[2] == "portal:conversation:cv_1"
    assert user_external_id(request(end_user=claimed, user_external_id="t")) == "portal:t"
    assert user_external_id(request(end_user=verified, user_external_id="t")) == "portal:u-1"


def test_external_id_that_is_too_long_keeps_its_meaning():
    long = EndUserIdentity(external_id="x" * 3000, is_verified=True)
    other = EndUserIdentity(external_id="x" * 2999, is_verified=True)

    assert len(user_external_id(request(end_user=long))) < 1024
    assert user_external_id(request(end_user=long)) != user_external_id(request(end_user=other))


def test_name_and_mail_are_given_only_where_somebody_vouches_for_them():
    claimed = EndUserIdentity(external_id="u", name="Mallory M", email="m@example.org")
    verified = EndUserIdentity(
        external_id="u", is_verified=True, name="Ines de la Vega", email="ines@example.org"
    )

    assert "profile" not in user_body(request(end_user=claimed))
    assert user_body(request(end_user=verified, language="es"))["profile"] == {
        "givenName": "Ines",
        "surname": "de la Vega",
        "email": "ines@example.org",
        "locale": "es",
    }
    assert metadata(request(end_user=verified))["dataCapture.systemField.requester.name"] == (
        "Ines de la Vega"
    )


def test_conversation_carries_the_marks_that_find_it_again():
    body = conversation_body(request())

    assert body["metadata"] == {"portalHandoff": "HOF-018f_A", "portalSession": "cv_1"}
    assert len(body["participants"]) == 1


def test_ticket_gets_fields_tags_and_trace():
    found = metadata(
        request(
            tags=["VIP", "ai handoff"],
            ticket_fields={"36009": True},
            group_id="31",
            queue="Billing",
            skills=["es", "refund"],
            priority=9,
            subject="Parcel",
            summary="Late",
            attributes={"Order_Ref": "BL-20931", "portalHandoff": "forged"},
        ),
        **FIELDS,
    )

    assert found["dataCapture.systemField.tags"] == (
        "portal_hof_018f_a,queue_billing,skill_es,skill_refund,vip,ai_handoff"
    )
    assert found["dataCapture.ticketField.36009"] is True
    assert found["dataCapture.ticketField.36001"] == "Late"
    assert found["dataCapture.ticketField.36002"] == "cv_1"
    assert found["dataCapture.systemField.group_id"] == "31"
    assert found["dataCapture.systemField.priority"] == "urgent"
    assert found["dataCapture.systemField.subject"] == "Parcel"
    assert found["first_message_id"] == "7a01"
    assert found["Order_Ref"] == "BL-20931"
    assert found["portalHandoff"] == "HOF-018f_A"


def test_metadata_without_hints_holds_what_is_always_needed_and_nothing_empty():
    assert metadata(request()) == {
        "portalHandoff": "HOF-018f_A",
        "portalSession": "cv_1",
        "dataCapture.systemField.tags": ticket_tag("HOF-018f_A"),
        "first_message_id": "7a01",
        "origin_source_type": "web",
    }


@given(
    st.dictionaries(st.text(max_size=64), st.text(max_size=1024), max_size=20),
    st.text(max_size=4000),
)
def test_metadata_fits_and_keeps_the_tag(attributes: dict[str, str], summary: str):
    found = metadata(request(attributes=attributes, summary=summary), **FIELDS)

    assert len(json_text(found).encode()) <= MAX_METADATA_BYTES
    assert found["dataCapture.systemField.tags"] == ticket_tag("HOF-018f_A")


def test_opening_tells_context_summary_and_transcript_in_this_order():
    found = opening_lines(
        request(
            line("Hi"),
            line("Hello", "ai_agent"),
            summary="Wants a refund",
            reason="refund",
            attributes={"Order_Ref": "BL-20931"},
        )
    )

    assert found == [
        "Details of the handoff\nReason: refund\nOrder_Ref: BL-20931",
        "Summary of the conversation so far\nWants a refund",
        "Transcript of the conversation with the AI agent\n"
        "[2026-11-20 09:13:50 UTC] End user: Hi\n"
        "[2026-11-20 09:13:50 UTC] AI agent: Hello",
    ]
    assert len({posting.mark for posting in opening_postings("HOF-018f_A", found)}) == 3


def test_live_agents_of_an_earlier_handoff_are_named_as_everywhere_else():
    [text] = opening_lines(request(line("I did that", "live_agent")))

    assert text.endswith("] Live agent: I did that")


@pytest.mark.parametrize(("mode", "count"), [("full", 2), ("summary", 1), ("link", 1), ("none", 1)])
def test_the_tool_decides_how_much_is_passed_on_but_never_nothing(mode: str, count: int):
    found = opening_lines(request(line("Hi"), summary="Wants a refund", transcript=mode))

    assert len(found) == count
    assert ("Hi" in found[-1]) == (mode == "full")


def test_very_long_transcript_keeps_its_end_and_says_what_is_missing():
    found = opening_lines(request(*[line(f"{n} " + "x" * 3700) for n in range(40)]))

    assert len(found) == MAX_TRANSCRIPT_PARTS
    assert "Earlier lines are left out" in found[0]
    assert "39 xxx" in found[-1]


@given(st.lists(st.text(max_size=9000), max_size=6))
def test_every_opening_message_fits(texts: list[str]):
    found = opening_lines(request(*[line(text) for text in texts]))

    assert all(utf16_units(text) <= MAX_TEXT_UNITS for text in found)


def test_long_text_becomes_numbered_messages_under_one_mark():
    postings = text_postings(
        "m-1", {"type": "text", "text": "word " * 2000}, {"type": "user", "userExternalId": "u"}
    )

    assert [posting.part for posting in postings] == [0, 1, 2]
    assert {posting.body["metadata"]["portalMessageId"] for posting in postings} == {"m-1"}
