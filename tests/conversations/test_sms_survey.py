"""The survey by text: asked in the thread behind the end, and answered by the next text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation, SmsInbound, SmsOutbound, SmsThread, Survey
from conversations.models import WebhookDelivery as Told
from conversations.sms.hearing import Heard, heard_claim
from conversations.sms.starting import OutboundNumber, outbound_say
from conversations.sms.telling import threads_tell
from conversations.sms.threads import sms_channel, thread_conversation
from integrations.models import Integration
from tests import factories
from tests.conversations.texting import carrier, talking, text_in, texts
from tests.members import client_with
from tests.vendors.twilio_sms.signed import OURS, THEIRS

pytestmark = pytest.mark.django_db
ONE = "How do you rate the AI agent?\nAnswer with a number from 1 (bad) to 5 (good). 0 skips it."
THANKS = "Thank you. Your rating is noted."
OVER = "The time to rate this conversation is over."
ENDED = "This conversation has ended. Write again to begin a new one."


@pytest.fixture
def row() -> Integration:
    return carrier()


def asked(row: Integration, *, reason: SessionEnd = SessionEnd.NATURAL_END, **survey) -> SmsThread:
    """A thread whose conversation has just ended, with the question told."""
    channel = sms_channel(row)
    channel.survey = {"after_ai_agent": True, "asks_comment": False, **survey}
    channel.save()
    of, conversation = talking(row)
    factories.said(conversation, "My parcel is lost.")
    if survey.get("after_live_agent"):
        factories.said(conversation, "", EventType.LIVE_AGENT_JOINED)
        threads_tell()
        of.outbound.update(status=SmsOutbound.Status.DELIVERED)
    with transaction.atomic():
        conversation_end(conversation_lock(conversation.pk), reason)
    threads_tell()
    return of


def heard(
    row: Integration, client: Client, text: str, sid: str = "SMa", **more: str
) -> list[Heard]:
    """What is left for whoever answers, once the carrier has told of a text."""
    text_in(client, row, text, sid, **more)
    return heard_claim(10)


def test_the_question_is_the_last_text_of_a_conversation(row: Integration) -> None:
    of = asked(row)

    assert texts(of) == [ENDED, ONE]


def test_two_are_asked_about_where_a_live_agent_was_there_and_words_are_asked_for(
    row: Integration,
) -> None:
    [_, question] = texts(asked(row, after_live_agent=True, asks_comment=True))

    assert question.splitlines()[:2] == [
        "How do you rate the AI agent?",
        "How do you rate the live agent?",
    ]
    assert question.endswith("such as 4 5. 0 skips it. You may add a few words.")


@pytest.mark.parametrize(
    "survey", [{"after_ai_agent": False}, {"reason": SessionEnd.USER_ABANDONED}]
)
def test_nobody_is_asked_where_it_is_off_or_they_have_gone(row: Integration, survey) -> None:
    of = asked(row, **survey)

    assert ONE not in texts(of)
    assert SmsThread.objects.get().survey is None


def test_a_number_with_words_is_the_answer_and_is_told_to_systems(
    row: Integration, client: Client
) -> None:
    of = asked(row, asks_comment=True)
    of.integration.project.webhook_endpoints.create(
        name="CRM", url="https://crm.example/hooks", event_types=["csat.submitted"]
    )

    assert heard(row, client, "4, very quick") == []

    kept = Survey.objects.get()
    assert (kept.bot_score, kept.comment) == (4, "very quick")
    assert texts(of)[-1] == THANKS
    assert Told.objects.get(type="csat.submitted").data["score"] == 4
    assert Conversation.objects.count() == 1
    inbound = SmsInbound.objects.get()
    assert (inbound.status, inbound.note, inbound.text) == ("taken", "survey", "")


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("5!", 5, ""),
        ("٣", 3, ""),
        ("4/5", 4, ""),
        ("2 parcels are still missing", 2, "parcels are still missing"),
        ("0", None, ""),
        ("Skip.", None, ""),
    ],
)
def test_each_way_to_type_it_counts(
    row: Integration, client: Client, text: str, score: int | None, comment: str
) -> None:
    of = asked(row)

    assert heard(row, client, text) == []

    kept = Survey.objects.get()
    assert (kept.bot_score, kept.comment, kept.is_skipped) == (score, comment, score is None)
    assert texts(of)[-1] == (THANKS if score else "All right, no rating.")


def test_it_is_skipped_in_the_end_users_own_word(row: Integration, client: Client) -> None:
    asked(row)
    Conversation.objects.update(locale="de-CH")

    assert heard(row, client, "Überspringen") == []

    assert Survey.objects.get().is_skipped


@pytest.mark.parametrize("text", ["Where is my parcel?", "7", "10 parcels", "5th floor"])
def test_anything_else_begins_a_conversation_and_the_question_is_forgotten(
    row: Integration, client: Client, text: str
) -> None:
    of = asked(row)

    [said] = heard(row, client, text)
    conversation = thread_conversation(of.pk)

    assert said.text == text
    assert conversation is not None and not conversation.is_over
    assert heard(row, client, "4", "SMb") == []  # the one before is still being said
    SmsInbound.objects.filter(carrier_id="SMa").update(status="taken")
    assert [one.text for one in heard_claim(10)] == ["4"]
    assert Survey.objects.get().answered_at is None


def test_a_call_that_is_repeated_answers_and_thanks_once(row: Integration, client: Client) -> None:
    of = asked(row)

    for _ in range(3):
        assert heard(row, client, "4") == []

    assert texts(of).count(THANKS) == 1
    assert Survey.objects.get().bot_score == 4


def test_a_second_score_changes_nothing_and_is_told_once(row: Integration, client: Client) -> None:
    of = asked(row)

    first = heard(row, client, "4")
    second = heard(row, client, "1", "SMb")
    third = heard(row, client, "1", "SMc")

    assert (first, second) == ([], [])
    assert texts(of)[-1] == "This conversation is rated already."
    assert Survey.objects.get().bot_score == 4
    assert [one.text for one in third] == ["1"]


def test_words_after_an_answer_are_somebodys_next_concern(row: Integration, client: Client) -> None:
    asked(row)
    heard(row, client, "4")

    [said] = heard(row, client, "2 parcels are missing", "SMb")

    assert said.text == "2 parcels are missing"


def test_after_the_deadline_a_score_is_told_to_be_late_and_words_are_a_message(
    row: Integration, client: Client
) -> None:
    of = asked(row)
    Survey.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    [words] = heard(row, client, "2 parcels are missing")
    SmsInbound.objects.update(status="taken")
    late = heard(row, client, "4", "SMb")

    assert (words.text, late) == ("2 parcels are missing", [])
    assert texts(of)[-1] == OVER
    assert Survey.objects.get().answered_at is None


def test_a_text_from_before_the_question_is_no_answer(row: Integration, client: Client) -> None:
    asked(row)
    Survey.objects.update(asked_at=timezone.now() + timedelta(seconds=5))

    assert [one.text for one in heard(row, client, "4")] == ["4"]


def test_a_number_with_a_picture_is_no_answer(row: Integration, client: Client) -> None:
    asked(row)
    media = {"NumMedia": "1", "MediaUrl0": "https://m/1", "MediaContentType0": "image/png"}

    assert [one.text for one in heard(row, client, "4", **media)] == ["4"]


def test_stop_takes_the_question_back(row: Integration, client: Client) -> None:
    of = asked(row)

    assert heard(row, client, "STOP") == []

    assert texts(of) == []
    assert heard(row, client, "4", "SMb") == []  # nobody who has opted out is heard
    heard(row, client, "START", "SMc")
    assert [one.text for one in heard(row, client, "4", "SMd")] == ["4"]
    assert Survey.objects.get().answered_at is None


def test_a_message_of_ours_opens_another_conversation_and_the_question_is_forgotten(
    row: Integration, client: Client
) -> None:
    asked(row)
    outbound_say(OutboundNumber(integration=row, number=OURS), to=THEIRS, message="It is found.")

    assert [one.text for one in heard(row, client, "4")] == ["4"]


# ---- the page ----


def test_an_admin_sets_it_for_texts_before_the_first_one_came(row: Integration) -> None:
    of = client_with(row.project, widgets=2, conversations=1)
    address = f"/p/{row.project.public_id}/text-messages/{row.environment}/survey/"

    before = of.get(f"/p/{row.project.public_id}/text-messages/").content.decode()
    asked_by_get = of.get(address)
    has_channel = row.project.channels.exists()
    shown = of.post(address, follow=True)
    place = shown.redirect_chain[-1][0]
    saved = of.post(place, {"after_ai_agent": "on", "minutes": "60"})
    numbers = of.get(f"/p/{row.project.public_id}/text-messages/").content.decode()

    assert f'action="{address}"' in before
    assert (asked_by_get.status_code, has_channel) == (405, False)
    page = shown.content.decode()
    assert "goes out as a text" in page
    assert 'value="1440"' in page  # texts are answered later than a window
    assert "Look and words" not in page and "Open test page" not in page
    assert saved.status_code == 302
    assert sms_channel(row).survey["minutes"] == 60
    assert f'href="{place}">On<' in numbers
    assert of.get(place.replace("survey", "brand")).status_code == 404


def test_where_no_number_is_connected_the_page_of_numbers_says_what_to_do() -> None:
    project = factories.project()
    texts_of = f"/p/{project.public_id}/text-messages/"

    led = client_with(project, widgets=2).post(f"{texts_of}live/survey/")

    assert (led.status_code, led["Location"]) == (302, texts_of)
