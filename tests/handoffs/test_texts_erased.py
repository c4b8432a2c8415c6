"""Texts and numbers of an end user: erased, exported and deleted with all else that is kept."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.journal.erasing import GONE
from conversations.models import (
    Conversation,
    EndUser,
    Erasure,
    SmsInbound,
    SmsOutbound,
    SmsThread,
    Survey,
)
from conversations.sms.hearing import heard_claim
from conversations.sms.outbox import texts_claim
from conversations.sms.telling import threads_tell
from handoffs.clocks.retention import retention_run
from handoffs.portal.erasure.erasing import erasure_run
from integrations.models import Integration, VendorCall
from integrations.projects.retention import Retention, retention_set
from tests import factories
from tests.conversations.texting import carrier, queue, talking, text_in
from tests.handoffs.test_erasure import rows_with
from tests.members import client_of_admin
from tests.vendors.twilio_sms.signed import THEIRS

pytestmark = pytest.mark.django_db
MARK = "Ottilie-Marker"


@pytest.fixture
def row() -> Integration:
    return carrier()


def talked(row: Integration, client: Client) -> SmsThread:
    """A thread in which something is said, one text waits each way, and a survey was answered."""
    of, conversation = talking(row)
    factories.said(conversation, f"I am {MARK}")
    text_in(client, row, f"{MARK} again", "SMwaits")
    [waits] = queue(of, f"Dear {MARK}")
    VendorCall.objects.create(
        integration=row,
        reference=str(waits.pk),
        operation="create_message",
        method="POST",
        path="/",
        duration_ms=1,
        request_body={"To": THEIRS},
        at=timezone.now(),
    )
    Survey.objects.create(
        conversation=conversation, subject="bot", deadline_at=timezone.now(), comment=MARK
    )
    return of


def erase(row: Integration) -> Erasure:
    person = EndUser.objects.get(phone=THEIRS)
    page = reverse("person", args=[row.project.public_id, person.pk])
    fields = {"reason": "request 7", "confirm_name": THEIRS}
    answered = client_of_admin(row.project).post(page, fields)
    assert answered.status_code == 302, answered.content.decode()
    erasure_run(Erasure.objects.get().pk)
    return Erasure.objects.get()


def test_neither_number_nor_text_of_an_erased_end_user_is_left(
    row: Integration, client: Client
) -> None:
    of = talked(row, client)

    done = erase(row)

    assert done.state == Erasure.State.DONE
    assert rows_with(MARK) == []
    assert rows_with(THEIRS) == []
    assert rows_with(THEIRS.removeprefix("+")) == []
    assert SmsInbound.objects.get().digest == ""
    assert done.counts["text messages"] == of.inbound.count() + of.outbound.count()


def test_what_waited_for_an_erased_end_user_is_neither_sent_nor_passed_on(
    row: Integration, client: Client
) -> None:
    of = talked(row, client)

    erase(row)
    threads_tell()

    assert (texts_claim(10), heard_claim(10)) == ([], [])
    assert of.outbound.get(error_code=GONE).status == SmsOutbound.Status.FAILED
    shown = client_of_admin(row.project).get(reverse("text_messages", args=[row.project.public_id]))
    page = shown.content.decode()
    assert "The end user was erased." in page
    assert "Erased" in page and "erased-" not in page


def test_who_texts_again_after_being_erased_is_somebody_new(
    row: Integration, client: Client
) -> None:
    talked(row, client)
    erase(row)

    text_in(client, row, "Hello", "SMnew")

    [heard] = heard_claim(10)
    assert heard.text == "Hello"
    assert SmsThread.objects.filter(user_number=THEIRS).count() == 1


def test_texts_and_survey_are_in_the_file_of_all_that_is_kept(
    row: Integration, client: Client
) -> None:
    talked(row, client)
    person = EndUser.objects.get(phone=THEIRS)
    page = reverse("person_export", args=[row.project.public_id, person.pk])

    admin = client_of_admin(row.project)
    rows = [json.loads(line) for line in admin.post(page, {"format": "ndjson"})]
    shown = admin.get(reverse("person", args=[row.project.public_id, person.pk]))

    kinds = {one["kind"] for one in rows}
    assert kinds == {"end_user", "conversation", "line", "survey", "thread", "text"}
    texts = [one for one in rows if one["kind"] == "text"]
    assert {one["phone"] for one in texts} == {THEIRS}
    assert {one["data"]["way"] for one in texts} == {"in", "out"}
    assert [one["data"]["comment"] for one in rows if one["kind"] == "survey"] == [MARK]
    assert "Text messages" in shown.content.decode()


def gone_by(row: Integration, days: int) -> None:
    """Let everything be so many days older, and its conversations be over."""
    ago = timezone.now() - timedelta(days=days)
    Conversation.objects.update(state="ended", ended_at=ago)
    SmsThread.objects.update(active_at=ago, conversation=None)
    SmsInbound.objects.update(received_at=ago, status="taken", text="")
    SmsOutbound.objects.update(created_at=ago, status="delivered", text="")
    retention_set(project=row.project, kept=Retention(conversation_days=30), actor=None)
    for _ in range(2):
        retention_run()


@pytest.mark.parametrize(("days", "is_kept"), [(29, True), (31, False)])
def test_texts_go_with_the_conversations_and_then_the_number(
    row: Integration, client: Client, days: int, is_kept: bool
) -> None:
    talked(row, client)

    gone_by(row, days)

    left = (SmsThread.objects, SmsInbound.objects, SmsOutbound.objects, Conversation.objects)
    assert [found.exists() for found in left] == [is_kept] * 4


def test_who_has_opted_out_stays_known(row: Integration, client: Client) -> None:
    talked(row, client)
    SmsThread.objects.update(opted_out_at=timezone.now())

    gone_by(row, 31)

    assert SmsThread.objects.get().user_number == THEIRS
    assert not SmsInbound.objects.exists()


def test_what_still_waits_is_not_deleted(row: Integration, client: Client) -> None:
    of = talked(row, client)
    gone_by(row, 0)
    SmsInbound.objects.all().update(status="waiting")
    [waits] = queue(of, "Later")
    long_ago = timezone.now() - timedelta(days=400)
    SmsInbound.objects.update(received_at=long_ago)
    SmsOutbound.objects.filter(pk=waits.pk).update(created_at=long_ago)

    retention_run()

    assert SmsInbound.objects.exists()
    assert SmsOutbound.objects.filter(pk=waits.pk).exists()
