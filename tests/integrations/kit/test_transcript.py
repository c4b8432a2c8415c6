"""What a live agent reads of the conversation so far: complete where it fits, newest first kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine
from integrations.kit.cutting import characters, json_bytes, utf8_bytes
from integrations.kit.transcript import (
    LEFT_OUT,
    LEFT_OUT_BUT_LINKED,
    SUMMARY_TITLE,
    TRANSCRIPT_TITLE,
    Limits,
    newest_lines,
    opening_texts,
    transcript_texts,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ROOMY = Limits(size=4000, measure=characters, parts=8)
SPEAKERS = ["end_user", "ai_agent", "live_agent", "system"]


def lines_of(*texts):
    return [
        TranscriptLine(
            speaker=SPEAKERS[number % 4], text=text, sent_at=NOON + timedelta(seconds=number)
        )
        for number, text in enumerate(texts)
    ]


def asked(*texts, **routing):
    return HandoffRequest(
        handoff_id="h",
        conversation_id="c",
        end_user=EndUserIdentity(external_id=""),
        channel="webchat",
        transcript=lines_of(*texts),
        routing=routing,
    )


def test_every_speaker_has_a_name_people_read():
    (text,) = transcript_texts(lines_of("a", "b", "c", "d"), ROOMY)

    assert text.splitlines() == [
        TRANSCRIPT_TITLE,
        "[2026-11-29 12:00:00 UTC] End user: a",
        "[2026-11-29 12:00:01 UTC] AI agent: b",
        "[2026-11-29 12:00:02 UTC] Live agent: c",
        "[2026-11-29 12:00:03 UTC] System: d",
    ]


@pytest.mark.parametrize(
    ("mode", "titles"),
    [
        (None, [SUMMARY_TITLE, TRANSCRIPT_TITLE]),
        ("full", [SUMMARY_TITLE, TRANSCRIPT_TITLE]),
        ("summary", [SUMMARY_TITLE]),
        ("link", [SUMMARY_TITLE]),
        ("none", []),
    ],
)
def test_the_hint_says_what_is_told(mode, titles):
    request = asked("Hello", summary=" wants a refund ", transcript=mode)

    assert [text.splitlines()[0] for text in opening_texts(request, ROOMY)] == titles


def test_a_long_transcript_keeps_its_newest_lines_and_says_so():
    limits = Limits(size=300, measure=characters, parts=2)

    texts = transcript_texts(lines_of(*(f"line {n}" for n in range(40))), limits)

    assert [text.splitlines()[0] for text in texts] == [
        f"{TRANSCRIPT_TITLE}, part 1 of 2",
        f"{TRANSCRIPT_TITLE}, part 2 of 2",
    ]
    assert texts[0].splitlines()[1] == LEFT_OUT
    assert texts[-1].endswith("line 39")


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=400), max_size=20),
    st.sampled_from([characters, utf8_bytes, json_bytes]),
)
def test_every_message_fits_whatever_was_said(texts, measure):
    limits = Limits(size=500, measure=measure, parts=3)

    made = transcript_texts(lines_of(*texts), limits)

    assert len(made) <= 3
    assert all(measure(text) <= 500 for text in made)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=300), max_size=12))
def test_one_text_of_the_newest_lines_fits(texts):
    made = newest_lines(lines_of(*texts), 400, json_bytes)

    assert json_bytes(made) <= 400
    assert not texts or made.endswith(texts[-1][-1:])


def test_of_one_line_that_is_too_long_its_end_is_kept():
    made = newest_lines(lines_of("a" * 500 + "end"), 100, characters)

    assert made.startswith(f"{LEFT_OUT}\n")
    assert made.endswith("end") and len(made) == 100


def test_what_is_left_out_is_linked_and_still_fits():
    link = "https://baton.example/t/1"
    limits = Limits(size=300, measure=characters, parts=2)
    lines = lines_of(*(f"line {n}" for n in range(40)))

    parts = transcript_texts(lines, limits, link)
    one = newest_lines(lines, 300, characters, link)

    for text in (parts[0], one):
        assert LEFT_OUT_BUT_LINKED.format(url=link) in text and len(text) <= 300
    assert link not in "".join(transcript_texts(lines_of("a"), ROOMY, link))
