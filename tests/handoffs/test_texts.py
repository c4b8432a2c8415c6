"""Texts both ways through the worker: the carrier's simulator, the real responder, the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client as TwilioClient

from conversations.journal.frames import EventType
from conversations.models import (
    Attachment,
    Conversation,
    Event,
    SmsInbound,
    SmsOutbound,
    Survey,
)
from conversations.sms.silence import silent_threads_end
from conversations.sms.threads import sms_channel
from conversations.sms.worker import TextWorker
from handoffs.models import Delivery, Handoff
from handoffs.relay.transactions import opening_read
from handoffs.sending.outbox import deliveries_pending
from handoffs.states import State
from integrations.contract.events import ConversationEnded
from integrations.kit.hints import identity_of
from integrations.models import Integration
from integrations.simulators.simulator import running_simulator
from integrations.vendors.twilio_sms.simulator import TwilioSimulator
from tests import factories
from tests.conversations.texting import carrier, queue, text_in, thread
from tests.vendors.twilio_sms.signed import ACCOUNT_SID, AUTH_TOKEN, OURS, THEIRS
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)
GREETING = "Hello from Birch."
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture(scope="module")
def served() -> Iterator[TwilioSimulator]:
    simulator = TwilioSimulator(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, numbers=[OURS], report_ms=5
    )
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def phone(served: TwilioSimulator) -> Iterator[TwilioSimulator]:
    served.reset()
    yield served


@pytest.fixture
def row(phone: TwilioSimulator) -> Integration:
    return carrier(url=phone.base_url, status_callbacks="false")


@pytest.fixture
def carried() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Callable[..., Any]: carries texts until something is so."""
    worker = TextWorker()

    def until(is_so: Callable[[], Any]) -> Any:
        def looked() -> Any:
            worker.wake()
            return is_so()

        return eventually(looked)

    yield until
    eventually(lambda: not worker.is_busy)


def on_phone(simulator: TwilioSimulator) -> list[str]:
    return [one["text"] for one in simulator.world.phone(THEIRS)]


def said() -> list[str]:
    lines = Event.objects.filter(type=EventType.USER_MESSAGE).order_by("created_at")
    return [line.payload["text"] for line in lines]


def with_live_agent(row: Integration, client: Client, carried: Any) -> Handoff:
    """A thread in which a live agent of the usual vendor has joined."""
    text_in(client, row, "Hello", "SMfirst")
    carried(said)
    conversation = Conversation.objects.get()
    live = factories.integration(row.project)
    return factories.handoff(conversation, state=State.ACTIVE, of_integration=live)


def test_the_first_text_opens_a_conversation_and_the_next_go_on(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    text_in(client, row, "Hello", "SM1")
    text_in(client, row, "Hello", "SM1")
    text_in(client, row, "Are you there?", "SM2")

    carried(lambda: SmsInbound.objects.filter(status="taken").count() == 2 and on_phone(phone))

    assert said() == ["Hello", "Are you there?"]
    conversation = Conversation.objects.get()
    assert conversation.channel_type == "sms.polyai"
    assert SmsInbound.objects.count() == 2
    assert on_phone(phone).count(GREETING) == 1


def test_a_live_agent_gets_texts_and_answers_on_the_phone(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    handoff = with_live_agent(row, client, carried)

    text_in(client, row, "My parcel is lost", "SM2")
    carried(lambda: deliveries_pending(handoff.pk))
    factories.apply(factories.lease_of(handoff), factories.spoke("I will look."))

    carried(lambda: "I will look." in on_phone(phone))
    assert [one.text for one in deliveries_pending(handoff.pk)] == ["My parcel is lost"]
    assert on_phone(phone)[-2:] == ["Noor Halvorsen joined the conversation.", "I will look."]


def test_the_vendor_is_told_that_they_text_and_from_which_number(
    client: Client, row: Integration, carried: Any
) -> None:
    text_in(client, row, "Hello", "SMfirst")
    carried(said)
    asked = factories.handoff(
        Conversation.objects.get(), of_integration=factories.integration(row.project)
    )

    opening = opening_read(factories.claim(asked))

    assert opening is not None
    assert opening.request.channel == "sms"
    assert identity_of(opening.request).phone == THEIRS
    assert opening.request.routing["attributes"]["va_Channel"] == "sms"


def test_a_picture_reaches_the_live_agent_as_a_file(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    handoff = with_live_agent(row, client, carried)
    url = phone._keep("MM1", "image/png", PNG)

    text_in(client, row, "", "SM2", NumMedia="1", MediaUrl0=url, MediaContentType0="image/png")
    carried(lambda: deliveries_pending(handoff.pk))

    file = Attachment.objects.get()
    assert (file.mime_type, file.file.read()) == ("image/png", PNG)
    [sent] = deliveries_pending(handoff.pk)
    assert sent.file_ids == (str(file.pk),)


@pytest.mark.parametrize(
    ("kind", "content", "most"),
    [("application/x-msdownload", b"MZ" + b"0" * 90, 5_000), ("image/png", PNG, len(PNG) - 1)],
    ids=["kind", "size"],
)
def test_a_file_that_the_vendor_does_not_take_is_refused_in_words_and_the_text_goes_on(
    client: Client,
    row: Integration,
    phone: TwilioSimulator,
    carried: Any,
    settings: Any,
    kind: str,
    content: bytes,
    most: int,
) -> None:
    settings.ATTACHMENT_MAX_BYTES = most
    handoff = with_live_agent(row, client, carried)
    url = phone._keep("MM1", kind, content)

    text_in(client, row, "See", "SM2", NumMedia="1", MediaUrl0=url, MediaContentType0=kind)
    carried(lambda: deliveries_pending(handoff.pk) and "not taken here" in on_phone(phone)[-1])

    [sent] = deliveries_pending(handoff.pk)
    assert (sent.text, sent.file_ids) == ("See", ())
    assert not Attachment.objects.exists()


def test_a_picture_for_the_ai_agent_is_refused_in_words_and_the_text_goes_on(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    url = phone._keep("MM1", "image/png", PNG)

    text_in(client, row, "See", "SM1", NumMedia="1", MediaUrl0=url, MediaContentType0="image/png")
    carried(lambda: said() == ["See"] and len(on_phone(phone)) == 2)

    assert "person" in on_phone(phone)[-1] or "agent" in on_phone(phone)[-1]


def test_stop_ends_it_for_the_live_agent_and_start_begins_anew(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    handoff = with_live_agent(row, client, carried)

    text_in(client, row, "STOP", "SM2")
    carried(lambda: State(factories.fresh(handoff).state) is State.ENDED)
    text_in(client, row, "START", "SM3")
    text_in(client, row, "Me again", "SM4")

    carried(lambda: "Me again" in said())
    assert Delivery.objects.count() == 0
    assert factories.fresh(handoff).end_reason == "end_user_left"


def test_after_the_live_agent_the_survey_outlives_a_carrier_that_is_away(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    channel = sms_channel(row)
    channel.survey = {"after_live_agent": True}
    channel.save()
    handoff = with_live_agent(row, client, carried)
    # Who joined counts as having been there only once the vendor says so.
    factories.apply(factories.lease_of(handoff), factories.spoke("Done."))
    carried(lambda: "Done." in on_phone(phone))
    phone.fail_next(503, method="POST", retry_after=0)

    factories.apply(factories.lease_of(handoff), factories.vendor_event(ConversationEnded))
    carried(lambda: any("rate the live agent" in text for text in on_phone(phone)))
    for _ in range(2):
        text_in(client, row, "5 very kind", "SMrated")

    carried(lambda: "Thank you. Your rating is noted." in on_phone(phone))
    kept = Survey.objects.get()
    assert (kept.live_agent_score, kept.comment) == (5, "very kind")
    assert sum("rate the live agent" in text for text in on_phone(phone)) == 1
    assert Conversation.objects.count() == 1


def test_an_answer_that_was_lost_is_not_sent_again(
    row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    phone.fail_next(500, method="POST", after_accept=True)
    [text] = queue(thread(row), "Only once")

    carried(lambda: SmsOutbound.objects.get().carrier_id)

    assert on_phone(phone) == ["Only once"]
    text.refresh_from_db()
    assert text.carrier_id == next(iter(phone.world.messages))


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_refusal_for_now_is_tried_again(
    row: Integration, phone: TwilioSimulator, carried: Any, status: int
) -> None:
    phone.fail_next(status, method="POST", retry_after=0)
    queue(thread(row), "One", "Two")

    carried(lambda: len(on_phone(phone)) == 2)

    assert on_phone(phone) == ["One", "Two"]


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [
        (OURS, "+15005550001", "21211"),
        (OURS, "+15005550009", "21614"),
        (OURS, "+15005550002", "21612"),
        (OURS, "+15005550004", "21610"),
    ],
)
def test_a_refusal_for_good_is_told_by_its_number(
    row: Integration, carried: Any, sender: str, recipient: str, code: str
) -> None:
    of = thread(row)
    of.our_number, of.user_number = sender, recipient
    of.save()
    queue(of, "Hello")

    carried(lambda: SmsOutbound.objects.get().status == "failed")

    assert SmsOutbound.objects.get().error_code == code


def test_an_api_key_sends_and_a_messaging_service_brings_it(
    client: Client, phone: TwilioSimulator, carried: Any
) -> None:
    service, key, secret = "MG" + "c" * 32, "SK" + "d" * 32, "the-secret-of-an-api-key"
    phone.configure(messaging_service_sid=service, api_keys={key: secret})
    of = carrier(
        url=phone.base_url,
        status_callbacks="false",
        messaging_service_sid=service,
        api_key_sid=key,
        api_key_secret=secret,
    )
    phone.fail_next(500, method="POST", after_accept=True)

    # Signed with the auth token all the same; the answer to the first text is lost.
    text_in(client, of, "Hello", "SM1")

    carried(lambda: SmsOutbound.objects.filter(carrier_id__startswith="SM").exists())
    assert on_phone(phone).count(GREETING) == 1
    [call] = [one for one in phone.requests.all() if one.method == "POST"]
    assert ("MessagingServiceSid", service) in parse_qsl(call.body)
    assert ("From", OURS) in parse_qsl(call.body)
    phone.configure(messaging_service_sid="", api_keys={})


def test_silence_of_a_day_is_asked_about_once_and_then_it_is_over(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    text_in(client, row, "Hello", "SM1")
    carried(lambda: GREETING in on_phone(phone))
    of = thread(row)

    def gone_by(**time: float) -> None:
        for name in ("active_at", "warned_at"):
            if value := getattr(thread(row), name):
                type(of).objects.update(**{name: value - timedelta(**time)})
        silent_threads_end()

    gone_by(hours=23)
    assert thread(row).warned_at is None
    gone_by(hours=2)
    carried(lambda: any("Are you still there?" in text for text in on_phone(phone)))
    gone_by(minutes=5)
    assert not Conversation.objects.get().is_over
    gone_by(minutes=6)

    assert Conversation.objects.get().is_over
    assert sum("Are you still there?" in text for text in on_phone(phone)) == 1


def test_whoever_answers_the_question_goes_on(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any
) -> None:
    text_in(client, row, "Hello", "SM1")
    carried(said)
    of = thread(row)
    old = timezone.now() - timedelta(days=2)
    type(of).objects.update(active_at=old)
    silent_threads_end()

    text_in(client, row, "I am", "SM2")
    carried(lambda: "I am" in said())

    assert thread(row).warned_at is None


def test_too_fast_a_sender_waits_and_loses_nothing(
    client: Client, row: Integration, carried: Any, settings: Any
) -> None:
    settings.SMS_TEXTS_PER_MINUTE = 0
    for number in range(3):
        text_in(client, row, f"Text {number}", f"SM{number}")

    carried(lambda: SmsInbound.objects.filter(next_attempt_at__gt=F("received_at")).count() == 1)
    assert said() == []
    settings.SMS_TEXTS_PER_MINUTE = 100
    SmsInbound.objects.update(next_attempt_at=timezone.now())

    carried(lambda: len(said()) == 3)
    assert said() == ["Text 0", "Text 1", "Text 2"]


def test_a_text_whose_call_never_came_is_found_in_the_carriers_list(
    client: Client, row: Integration, phone: TwilioSimulator
) -> None:
    before = timezone.now() - timedelta(seconds=5)
    Integration.objects.filter(pk=row.pk).update(connected_at=before)
    text_in(client, row, "Told", phone.phone_sends(THEIRS, "Told"))
    phone.phone_sends(THEIRS, "Never told")
    worker = TextWorker()

    for _ in range(2):
        worker.look_back().result(PATIENCE_SECONDS)

    assert list(SmsInbound.objects.order_by("pk").values_list("text", flat=True)) == [
        *("Told", "Never told")
    ]


def test_all_that_came_while_nobody_was_called_is_found_with_its_files(
    client: Client, row: Integration, phone: TwilioSimulator, carried: Any, settings: Any
) -> None:
    settings.SMS_TEXTS_PER_MINUTE_PER_PROJECT = 1000
    before = timezone.now() - timedelta(seconds=5)
    Integration.objects.filter(pk=row.pk).update(connected_at=before)
    handoff = with_live_agent(row, client, carried)
    for number in range(120):  # more than one page of the list
        phone.phone_sends(f"+1555010{1000 + number}", "Hello?")
    phone.phone_sends(THEIRS, "", media=[("image/png", PNG)])

    TextWorker().look_back().result(PATIENCE_SECONDS)

    carried(lambda: deliveries_pending(handoff.pk))
    assert Attachment.objects.get().mime_type == "image/png"
    assert SmsInbound.objects.count() == 122


# ---- Twilio's own library as a judge of the simulator ----


def test_twilios_own_library_sends_lists_and_is_refused_by_number(phone: TwilioSimulator) -> None:
    theirs = TwilioClient(ACCOUNT_SID, AUTH_TOKEN)
    theirs.api.base_url = phone.base_url

    made = theirs.messages.create(to=THEIRS, from_=OURS, body="Hi")
    listed = theirs.messages.list(to=THEIRS)

    assert (made.status, made.num_segments, made.direction) == ("queued", "1", "outbound-api")
    assert [one.sid for one in listed] == [made.sid]
    assert theirs.messages(made.sid).fetch().body == "Hi"
    told = phone.phone_sends(THEIRS, "", media=[("image/png", PNG)])
    [file] = theirs.messages(told).media.list()
    assert (file.content_type, file.parent_sid) == ("image/png", told)
    assert len(theirs.messages.list(to=OURS, from_=THEIRS, page_size=1)) == 1
    assert theirs.incoming_phone_numbers.list(phone_number=OURS)[0].capabilities["sms"] is True
    with pytest.raises(TwilioRestException) as refused:
        theirs.messages.create(to="+15005550009", from_=OURS, body="Hi")
    assert refused.value.code == 21614


@pytest.mark.parametrize("signs_with_port", [False, True])
def test_twilios_own_library_takes_the_simulators_signature(
    phone: TwilioSimulator, signs_with_port: bool
) -> None:
    phone.configure(sms_url=f"{phone.base_url}/nowhere", signs_with_port=signs_with_port)
    phone.phone_sends(THEIRS, "Hi é + & = 100%")

    [call] = eventually(lambda: [one for one in phone.requests.all() if one.path == "/nowhere"])

    form = dict(parse_qsl(call.body, keep_blank_values=True))
    given = {name.lower(): value for name, value in call.headers.items()}["x-twilio-signature"]
    judge = RequestValidator(AUTH_TOKEN)
    assert judge.validate(f"{phone.base_url}/nowhere", form, given)
    assert form["Body"] == "Hi é + & = 100%"
