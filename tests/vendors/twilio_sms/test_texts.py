"""Twilio's parameters to texts and reports, segments by the usual count, and errors by number."""

from __future__ import annotations

import pytest

from conversations.sms.segments import segments_of
from integrations.contract.carrier import Keyword, TextStatus
from integrations.vendors.twilio_sms.mapping.errors import CAUSES, KINDS
from integrations.vendors.twilio_sms.mapping.texts import inbound_text, text_report
from tests.vendors.twilio_sms.signed import inbound


@pytest.mark.parametrize(
    ("form", "is_advanced", "keyword"),
    [
        (inbound(" stop "), False, Keyword.STOP),
        (inbound("Cancel"), False, Keyword.STOP),
        (inbound("stop texting me"), False, None),
        (inbound("UNSTOP"), False, Keyword.START),
        (inbound("info"), False, Keyword.HELP),
        (inbound("STOP"), True, None),
        (inbound("basta", OptOutType="STOP"), True, Keyword.STOP),
        (inbound("basta", OptOutType="STOP"), False, Keyword.STOP),
        (inbound("more", OptOutType="HELP"), True, Keyword.HELP),
    ],
)
def test_twilios_words_are_no_messages(form, is_advanced: bool, keyword) -> None:
    assert inbound_text(form, is_advanced=is_advanced).keyword == keyword


def test_yes_is_a_word_that_people_say() -> None:
    assert inbound_text(inbound("Yes"), is_advanced=False).is_everyday_word
    assert not inbound_text(inbound("START"), is_advanced=False).is_everyday_word


def test_files_come_with_their_types_and_nothing_else_is_one() -> None:
    form = inbound("", NumMedia="2", MediaUrl0="https://a/1", MediaContentType0="image/png")

    told = inbound_text(form, is_advanced=False)

    assert [(one.url, one.mime_type) for one in told.media] == [("https://a/1", "image/png")]


@pytest.mark.parametrize("sender", ["whatsapp:+15550100101", "rcs:brand", ""])
def test_another_channel_of_twilios_is_no_text_message(sender: str) -> None:
    assert inbound_text(inbound("Hi", From=sender), is_advanced=False) is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", TextStatus.TAKEN),
        ("sending", TextStatus.TAKEN),
        ("sent", TextStatus.SENT),
        ("delivered", TextStatus.DELIVERED),
        ("read", TextStatus.DELIVERED),
        ("undelivered", TextStatus.UNDELIVERED),
        ("canceled", TextStatus.FAILED),
    ],
)
def test_a_report_says_how_far_a_text_came(word: str, status: TextStatus) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": word, "ErrorCode": "30003"}

    found = text_report(form, "id-1")

    assert (found.status, found.error_code, found.text_id) == (status, "30003", "id-1")


def test_a_status_of_tomorrow_is_ignored() -> None:
    assert text_report({"MessageSid": "SM1", "MessageStatus": "teleported"}, "id-1") is None


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 1600, "GSM-7", 11),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        # Two places each: one of 153 stays empty.
        ("€" * 153, "GSM-7", 3),
        ("ы" * 70, "UCS-2", 1),
        ("ы" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),
        ("it’s", "UCS-2", 1),
    ],
)
def test_segments_are_counted_as_carriers_count_them(text: str, encoding: str, count: int) -> None:
    found = segments_of(text)

    assert (found.encoding, found.count) == (encoding, count)


@pytest.mark.parametrize(
    "code",
    [
        *("20003", "20404", "20429", "21211", "21212", "21408", "21602", "21606", "21608"),
        *("21609", "21610", "21611", "21612", "21614", "21617", "21620", "21623", "30001"),
        *("30002", "30003", "30004", "30005", "30006", "30007", "30008", "30009", "30032"),
        "30034",
    ],
)
def test_every_number_of_twilios_that_a_text_may_meet_is_told_in_words(code: str) -> None:
    assert CAUSES[code].cause.endswith(".")
    assert CAUSES[code].cure.endswith(".")


def test_every_error_with_a_kind_of_its_own_has_a_cause_and_a_cure() -> None:
    assert KINDS.keys() <= CAUSES.keys()
    assert all(one.cause and one.cure for one in CAUSES.values())
