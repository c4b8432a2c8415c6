"""What a carrier calls about: stored once before it is answered, and reports in any order."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from conversations.models import EndUser, LogEntry, SmsInbound, SmsOutbound, SmsThread
from conversations.sms.hearing import heard_claim, heard_taken
from conversations.sms.inbox import numbers_to_ask
from integrations.behaviour.fallback import fallback_choices
from integrations.connections.addresses import webhook_urls
from integrations.connections.destinations import integration_default
from integrations.contract.registry import carrier_keys
from integrations.models import Integration
from tests import factories
from tests.conversations.texting import call, carrier, queue, report, talking, text_in, thread
from tests.vendors.twilio_sms.signed import FORM_TYPE, body, inbound, signature

pytestmark = pytest.mark.django_db
Status = SmsOutbound.Status


@pytest.fixture
def row() -> Integration:
    return carrier()


def test_a_text_is_stored_once_however_often_it_is_told(client: Client, row: Integration) -> None:
    for _ in range(3):
        answered = call(client, row, inbound("Hello"))
        assert (answered.status_code, answered.content) == (200, b"<Response/>")
        assert answered["Content-Type"].startswith("text/xml")

    [stored] = SmsInbound.objects.all()
    assert (stored.text, stored.status) == ("Hello", "waiting")


def test_a_forged_call_stores_nothing(client: Client, row: Integration) -> None:
    answered = call(client, row, inbound("Hello"), given="c2lnbmF0dXJl")

    assert answered.status_code == 401
    assert not SmsInbound.objects.exists()


def test_another_host_than_the_public_one_is_forged(client: Client, row: Integration) -> None:
    given = signature("https://evil.example/handoff", inbound("Hello"))

    assert call(client, row, inbound("Hello"), given=given).status_code == 401


def test_the_address_counts_to_the_letter(client: Client, row: Integration) -> None:
    answered = call(client, row, inbound("Hello"), query="?a=%7e&b=x+y&c=")

    assert answered.status_code == 200


def test_a_number_that_is_not_listed_is_answered_and_logged(
    client: Client, row: Integration, caplog: Any
) -> None:
    text_in(client, row, "Hello", To="+15550100111")

    assert not SmsThread.objects.exists()
    assert "does not list" in caplog.text


def test_a_service_answers_at_every_number_of_its_pool(client: Client) -> None:
    row = carrier(numbers="", messaging_service_sid="MG" + "1" * 32)

    text_in(client, row, "Hello", To="+15550100111")

    assert SmsThread.objects.get().our_number == "+15550100111"


def test_what_was_heard_is_forgotten_here(client: Client, row: Integration) -> None:
    text_in(client, row, "Hello")

    [heard] = heard_claim(5)
    assert heard.text == "Hello"
    assert heard_claim(5) == []
    heard_taken(heard)

    stored = SmsInbound.objects.get()
    assert (stored.status, stored.text) == ("taken", "")


def test_texts_of_a_thread_are_heard_one_after_the_other(client: Client, row: Integration) -> None:
    for number in (1, 2, 3):
        text_in(client, row, f"Number {number}", f"SM{number}")

    said = []
    while found := heard_claim(5):
        [heard] = found
        said.append(heard.text)
        heard_taken(heard)

    assert said == ["Number 1", "Number 2", "Number 3"]


@pytest.mark.parametrize("word", ["STOP", " cancel ", "HELP", "START"])
def test_the_carriers_words_reach_nobody(client: Client, row: Integration, word: str) -> None:
    text_in(client, row, word)

    assert heard_claim(5) == []
    assert SmsInbound.objects.get().note == "keyword"


def test_yes_is_an_answer_unless_somebody_had_opted_out(client: Client, row: Integration) -> None:
    text_in(client, row, "Yes", "SM1")
    [heard] = heard_claim(5)
    heard_taken(heard)
    text_in(client, row, "STOP", "SM2")
    assert heard_claim(5) == []
    assert SmsThread.objects.get().opted_out_at

    text_in(client, row, "Hello?", "SM3")
    assert heard_claim(5) == []
    text_in(client, row, "Yes", "SM4")
    assert heard_claim(5) == []

    assert SmsThread.objects.get().opted_out_at is None
    text_in(client, row, "Hello again", "SM5")
    assert [one.text for one in heard_claim(5)] == ["Hello again"]


@pytest.mark.django_db(transaction=True)
def test_stop_ends_the_conversation_and_takes_back_what_waits(client: Client) -> None:
    row = carrier()
    of, conversation = talking(row)
    queue(of, "Not sent any more")

    text_in(client, row, "Stop")
    heard_claim(5)

    conversation.refresh_from_db()
    assert conversation.state == "ended"
    assert [one.error_code for one in of.outbound.filter(status=Status.FAILED)] == ["opted_out"]


@pytest.mark.django_db(transaction=True)
def test_stop_waits_for_nothing_that_came_too_fast_and_yes_keeps_its_place(
    client: Client, settings: Any
) -> None:
    settings.SMS_TEXTS_PER_MINUTE = 2
    row = carrier()
    _, conversation = talking(row)
    said = ["One", "Two", "Three", "Yes", "Four"]
    for number, text in enumerate(said):
        text_in(client, row, text, f"SM{number}")
    heard = []
    while found := heard_claim(5):
        heard += [one.text for one in found]
        for one in found:
            heard_taken(one)
    assert heard == ["One", "Two"]

    text_in(client, row, "STOP", "SM8")
    text_in(client, row, "START", "SM9")
    heard_claim(5)
    heard_claim(5)

    conversation.refresh_from_db()
    assert conversation.state == "ended"
    assert SmsThread.objects.get().opted_out_at is None
    waiting = SmsInbound.objects.filter(status="waiting").order_by("pk")
    assert [one.text for one in waiting] == ["Three", "Yes", "Four"]


def test_two_machines_do_not_answer_each_other_for_ever(client: Client, row: Integration) -> None:
    heard = []
    for number in range(8):
        text_in(client, row, "I am out of office", f"SM{number}")
        found = heard_claim(5)
        heard += found
        for one in found:
            heard_taken(one)

    assert len(heard) == 4
    assert SmsInbound.objects.filter(note="repeated").count() == 4


def test_a_report_that_comes_late_changes_nothing(client: Client, row: Integration) -> None:
    [text] = queue(thread(row), "Hello")

    for word in ("delivered", "sent", "queued"):
        report(client, row, text, word)
        text.refresh_from_db()
        assert text.status == Status.DELIVERED
    assert (text.text, text.carrier_id) == ("", "SMout")


def test_a_text_that_was_lost_is_told_in_plain_words(client: Client, row: Integration) -> None:
    _, conversation = talking(row)
    [text] = queue(thread(row), "Hello")

    report(client, row, text, "undelivered", ErrorCode="30006")

    entry = LogEntry.objects.get(conversation=conversation, code="text_not_delivered")
    assert "A landline, or a carrier that cannot be reached." in entry.content


def test_who_has_opted_out_at_the_carrier_is_known_by_a_report_too(
    client: Client, row: Integration
) -> None:
    of, _ = talking(row)
    sent, waits = queue(of, "Hello", "Are you there?")
    sent.status = Status.TAKEN
    sent.save()

    report(client, row, sent, "failed", ErrorCode="21610")

    of.refresh_from_db()
    waits.refresh_from_db()
    assert of.opted_out_at is not None
    assert (waits.status, waits.error_code) == ("failed", "opted_out")


def test_a_number_of_two_connections_is_asked_about_for_the_one_that_is_called(
    client: Client,
) -> None:
    project = factories.project()
    live = carrier(project)
    Integration.objects.filter(pk=live.pk).update(environment="live")
    sandbox = carrier(project)
    others = carrier(factories.project())  # the same number, of somebody else

    def asked() -> list[int]:
        return [row.pk for row, _, _ in numbers_to_ask()]

    assert asked() == [others.pk]
    text_in(client, sandbox, "Hello", "SMsandbox")
    assert asked() == [sandbox.pk, others.pk]


@pytest.mark.parametrize(
    "forwarded",
    [
        {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "inner:8000"},
        {"X-Forwarded-Port": "8443", "Forwarded": "host=evil.example;proto=http"},
        {"Host": "inner.internal:8000"},
    ],
)
def test_whatever_a_proxy_makes_of_host_port_and_scheme_the_public_address_is_signed(
    client: Client, row: Integration, forwarded: dict[str, str], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    form = inbound("Hello")
    address = webhook_urls(row)["events"]
    headers = {"X-Twilio-Signature": signature(address, form), **forwarded}

    answered = client.post(
        "/" + address.split("/", 3)[3], body(form), content_type=FORM_TYPE, headers=headers
    )

    assert answered.status_code == 200
    assert SmsInbound.objects.count() == 1


def test_a_report_of_another_projects_text_changes_nothing(
    client: Client, row: Integration
) -> None:
    [text], other = queue(thread(row), "Hello"), carrier(factories.project())

    report(client, other, text, "failed")

    text.refresh_from_db()
    assert text.status == Status.WAITING


def test_a_person_is_known_again_by_their_number(row: Integration) -> None:
    _, first = talking(row)
    of = thread(row)
    of.conversation = None
    of.save()

    _, second = talking(row)

    assert first.pk != second.pk
    assert first.end_user == second.end_user == EndUser.objects.get()
    assert (first.end_user.phone, first.end_user.is_verified) == ("+15550100101", False)
    assert second.channel_type == "sms.polyai"


def test_no_handoff_and_no_fallback_goes_to_a_carrier(row: Integration) -> None:
    live = factories.integration(row.project)

    assert row.connector_key in carrier_keys()
    assert integration_default(row.project, "sandbox", "sms") == live
    assert fallback_choices(live) == []
