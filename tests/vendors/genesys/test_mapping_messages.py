"""What is written to Genesys: attributes, opening, files, and texts that fit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.contract.connector import (
    EndUserIdentity,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TranscriptLine,
)
from integrations.vendors.genesys.mapping.messages import (
    attachment_body,
    message_bodies,
    opening_bodies,
    participant_attributes,
    person_of,
)
from tests.contract.bench import handoff_request


def test_attributes_are_flat_strings_and_ours_win():
    request = handoff_request(
        routing={
            "queue_name": "Billing",
            "priority": 3,
            "skills": ["refunds", "en"],
            "reason": "",
            "external_contact_id": "5c7a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
            "attributes": {"vip": True, "note": None, "PortalSessionId": "forged"},
        }
    )

    found = participant_attributes(request, "Queue")

    assert found == {
        "channel": "webchat",
        "ExternalContactId": "5c7a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
        "Queue": "Billing",
        "skills": "refunds, en",
        "priority": "3",
        "vip": "true",
        "handoff_id": request.handoff_id,
        "PortalSessionId": "cv_ines",
    }


def test_visitor_who_is_not_verified_is_named_by_the_tool_alone():
    claimed = EndUserIdentity(external_id="u-1", name="Somebody", email="a@example.org")
    vouched = EndUserIdentity(external_id="u-1", name="Ines", email="i@x.org", is_verified=True)

    guest = person_of(handoff_request(end_user=claimed))
    named = person_of(handoff_request(end_user=claimed, routing={"user_display_name": "Kim"}))
    known = person_of(handoff_request(end_user=vouched, routing={"user_display_name": "Kim"}))

    assert (guest["nickname"], "email" in guest) == ("Guest", False)
    assert named["nickname"] == "Kim"
    assert (known["nickname"], known["email"]) == ("Ines", "i@x.org")


def opening(request: HandoffRequest) -> list[str]:
    return [str(body["text"]) for body in opening_bodies(request, person_of(request), "")]


@pytest.mark.parametrize(
    ("mode", "headings"),
    [("full", ["Summary", "Transcript"]), ("summary", ["Summary"]), ("none", ["Handed"])],
)
def test_opening_follows_the_transcript_mode(mode: str, headings: list[str]):
    request = handoff_request(routing={"transcript": mode, "summary": "Parcel is late."})

    texts = opening(request)

    assert [text.split()[0] for text in texts] == headings


def test_long_transcript_keeps_its_end_in_parts_that_fit():
    lines = [
        TranscriptLine(speaker="end_user", text=f"{n} \U0001f642" * 300, sent_at=datetime.now(UTC))
        for n in range(40)
    ]

    texts = opening(handoff_request(transcript=lines))

    assert len(texts) == 8
    assert "left out" in texts[0]
    assert "39" in texts[-1]
    assert all(len(text.encode("utf-16-le")) // 2 <= 2000 for text in texts)


def test_opening_has_the_same_ids_on_every_try_and_attributes_once():
    lines = [TranscriptLine(speaker="system", text="x" * 5000, sent_at=datetime.now(UTC))]
    request = handoff_request(transcript=lines)

    bodies = opening_bodies(request, person_of(request), "")
    channels = [body["channel"] for body in bodies]

    again = [body["channel"] for body in opening_bodies(request, person_of(request), "")]
    assert [c["messageId"] for c in channels] == [c["messageId"] for c in again]
    assert ["metadata" in c for c in channels] == [True] + [False] * (len(channels) - 1)
    assert [c["time"] for c in channels] == sorted({c["time"] for c in channels})


@pytest.mark.parametrize(
    ("mime_type", "media"),
    [("image/png", "Image"), ("video/mp4", "Video"), ("audio/ogg", "Audio"), ("text/csv", "File")],
)
def test_file_is_named_by_its_kind(mime_type: str, media: str):
    file = OutboundAttachment(
        attachment_id="a-1",
        file_name="f",
        mime_type=mime_type,
        content=b"abc",
        public_url="https://portal.example.org/f",
    )

    body = attachment_body({"id": "HOF-1", "idType": "Opaque"}, file, sent_at=datetime.now(UTC))

    [content] = body["content"]
    assert content["attachment"]["mediaType"] == media
    assert content["attachment"]["sha256"].startswith("ba7816bf")


def test_parts_fit_and_together_are_the_text_under_ids_that_stay():
    message = OutboundMessage(
        message_id="m-1", text="\U0001f642 " * 1500, sent_at=datetime(2026, 5, 4, tzinfo=UTC)
    )

    bodies = message_bodies({"id": "HOF-1", "idType": "Opaque"}, message)

    texts = [str(body["text"]) for _, body in bodies]
    assert "".join(texts) == message.text
    assert all(len(text.encode("utf-16-le")) // 2 <= 2000 for text in texts)
    assert [name for name, _ in bodies] == ["m-1.1", "m-1.2", "m-1"]
    assert bodies[2][1]["channel"]["time"] == "2026-05-04T00:00:00.002Z"
