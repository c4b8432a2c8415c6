"""Texts on their way out: in order, at a rate, once each, and what becomes of refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, SmsNumber, SmsOutbound, SmsThread
from conversations.sms.hearing import heard_claim
from conversations.sms.outbox import text_parts, text_refused, text_taken, texts_claim
from conversations.sms.silence import silent_threads_end
from conversations.sms.telling import threads_tell
from integrations.contract.carrier import OptedOutError, SentText, TextStatus
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    RateLimitedError,
    RejectedError,
)
from integrations.models import Integration
from tests.conversations.texting import carrier, queue, report, talking, text_in, texts, thread

pytestmark = pytest.mark.django_db
Status = SmsOutbound.Status


@pytest.fixture
def row() -> Integration:
    return carrier()


def passed(*rows: SmsOutbound, seconds: float = 120) -> None:
    """Let time go by for texts that wait, and for their number."""
    ago = timezone.now() - timedelta(seconds=seconds)
    SmsOutbound.objects.filter(pk__in=[row.pk for row in rows]).update(next_attempt_at=ago)
    SmsNumber.objects.update(next_at=ago)


def test_the_next_text_waits_until_the_one_before_has_left(client: Client, row: Any) -> None:
    first, second = queue(thread(row), "One", "Two")

    [attempt] = texts_claim(5)
    assert attempt.text.text == "One"
    passed(second)
    assert texts_claim(5) == []
    text_taken(attempt, SentText(carrier_id="SMout"))
    assert texts_claim(5) == []
    report(client, row, first, "sent")

    assert [one.text.text for one in texts_claim(5)] == ["Two"]


def test_a_report_that_never_comes_holds_nobody_up_for_long(row: Integration) -> None:
    first, second = queue(thread(row), "One", "Two")
    text_taken(texts_claim(5)[0], SentText(carrier_id="SMout"))
    SmsOutbound.objects.filter(pk=first.pk).update(taken_at=timezone.now() - timedelta(seconds=6))
    passed(second)

    assert [one.text.text for one in texts_claim(5)] == ["Two"]


def test_a_number_sends_no_faster_than_it_may() -> None:
    row = carrier(texts_per_second="1")
    queue(thread(row), "One")
    other = thread(row)
    other.pk, other.user_number = None, "+15550100102"
    other.save()
    queue(other, "Another")

    assert len(texts_claim(5)) == 1
    assert texts_claim(5) == []
    SmsNumber.objects.update(next_at=timezone.now())

    assert len(texts_claim(5)) == 1


def test_a_number_with_much_to_send_keeps_no_other_number_waiting() -> None:
    busy, quiet = carrier(texts_per_second="1"), carrier()
    for number in range(20):
        crowd = thread(busy)
        crowd.pk, crowd.user_number = None, f"+155501002{number:02}"
        crowd.save()
        queue(crowd, "One of many")
    queue(thread(quiet), "Alone")

    claimed = [one.text.text for one in (*texts_claim(5), *texts_claim(5))]

    assert claimed == ["One of many", "Alone"]


@pytest.mark.parametrize(
    "error",
    [
        RateLimitedError(vendor_code="20429"),
        CannotConnectError(reason="connection"),
        CannotConnectError(reason="timeout"),
        InvalidAuthError(vendor_code="20003"),
    ],
)
def test_what_may_go_better_is_tried_again(row: Integration, error: ConnectorError) -> None:
    [text] = queue(thread(row), "One")

    text_refused(texts_claim(5)[0], error)
    assert texts_claim(5) == []
    passed(text)

    [again] = texts_claim(5)
    assert again.text.text_id == str(text.pk)
    # Looked for before it is sent again only where it may have been taken.
    assert (again.doubtful_since is not None) == (error.reason == "timeout")


def test_a_credential_that_is_refused_shows_on_the_tile(row: Integration) -> None:
    queue(thread(row), "One")

    text_refused(texts_claim(5)[0], InvalidAuthError(vendor_code="20003"))

    row.refresh_from_db()
    assert row.status == Integration.Status.NEEDS_ATTENTION


def test_an_attempt_that_was_cut_off_is_in_doubt(row: Integration) -> None:
    queue(thread(row), "One")
    [lost] = texts_claim(5)
    ago = timezone.now() - timedelta(seconds=1)
    SmsOutbound.objects.update(claimed_until=ago)
    SmsNumber.objects.update(next_at=ago)

    [again] = texts_claim(5)

    assert again.doubtful_since is not None
    # The worker that was taken for dead changes nothing any more.
    text_taken(lost, SentText(carrier_id="SMold"))
    assert SmsOutbound.objects.get().status == Status.SENDING


def test_a_report_proves_that_the_carrier_has_a_text(client: Client, row: Integration) -> None:
    [text] = queue(thread(row), "One")
    text_refused(texts_claim(5)[0], CannotConnectError(reason="timeout"))

    report(client, row, text, "sent")
    passed(text)

    assert texts_claim(5) == []


def test_a_refusal_for_good_is_not_repeated(row: Integration) -> None:
    [text] = queue(thread(row), "One")

    text_refused(texts_claim(5)[0], RejectedError(vendor_code="21614"))
    passed(text)

    text.refresh_from_db()
    assert (text.status, text.error_code, text.text) == (Status.FAILED, "21614", "")
    assert texts_claim(5) == []


def test_a_text_is_given_up_after_hours(row: Integration, settings: Any) -> None:
    settings.SMS_GIVE_UP_SECONDS = 10
    [text] = queue(thread(row), "One")
    SmsOutbound.objects.update(created_at=timezone.now() - timedelta(seconds=20))

    text_refused(texts_claim(5)[0], CannotConnectError(reason="connection"))

    text.refresh_from_db()
    assert text.status == Status.FAILED


@pytest.mark.django_db(transaction=True)
def test_whoever_has_opted_out_at_the_carrier_has_opted_out_here() -> None:
    of, conversation = talking(carrier())
    queue(of, "One")

    text_refused(texts_claim(5)[0], OptedOutError(vendor_code="21610"))

    of.refresh_from_db()
    assert of.opted_out_at
    assert Conversation.objects.get(pk=conversation.pk).state == "ended"
    assert texts(of) == []


def test_a_text_that_failed_at_once_is_known_by_the_answer(row: Integration) -> None:
    [text] = queue(thread(row), "One")

    text_taken(texts_claim(5)[0], SentText(carrier_id="SM1", status=TextStatus.FAILED))

    text.refresh_from_db()
    assert text.status == Status.FAILED


def test_a_long_text_is_cut_and_its_parts_are_counted() -> None:
    text = "word " * 900

    parts = text_parts(text, 1600)

    assert len(parts) == 3
    assert [part[:6] for part in parts] == ["(1/3) ", "(2/3) ", "(3/3) "]
    assert all(len(part) <= 1600 for part in parts)
    assert " ".join(part[6:] for part in parts) == text.strip()
    assert text_parts("a" * 1600, 1600) == ["a" * 1600]


def test_segments_are_kept_with_each_text(row: Integration) -> None:
    plain, wide = queue(thread(row), "a" * 161, "ы")

    assert (plain.encoding, plain.segments) == ("GSM-7", 2)
    assert (wide.encoding, wide.segments) == ("UCS-2", 1)


def test_a_number_whose_key_is_lost_keeps_no_other_from_texting(
    client: Client, row: Integration, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lost = carrier()
    threads = [talking(one)[0] for one in (lost, row)]
    for one, of in zip((lost, row), threads, strict=True):
        queue(of, "Out")
        text_in(client, one, "In", sid=f"SM{one.pk}")
    long_ago = timezone.now() - timedelta(days=2)
    SmsThread.objects.update(told_sequence=0, active_at=long_ago)
    lose_key(settings, lost)

    silent_threads_end()
    asked = SmsThread.objects.exclude(warned_at=None).values_list("pk", flat=True)
    assert list(asked) == [threads[1].pk]
    threads_tell()
    told = SmsThread.objects.filter(told_sequence__gt=0).values_list("pk", flat=True)
    assert list(told) == [threads[1].pk]
    assert not SmsThread.objects.filter(active_at=long_ago, pk=threads[0].pk).exists()
    heard = [one.integration.pk for _ in range(2) for one in heard_claim(1)]
    sent = [one.integration.pk for _ in range(2) for one in texts_claim(1)]

    assert (heard, sent) == ([row.pk], [row.pk])
    assert "its key is missing" in caplog.text


def lose_key(settings: Any, row: Integration) -> None:
    """Encrypt a connection's credentials with a key that nobody has."""
    kept = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    Integration.objects.filter(pk=row.pk).update(credentials={"lost": "yes"})
    settings.ENCRYPTION_KEYS = kept
