"""The survey after a conversation: asked at its end, answered once, in time, kept here alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import Visitor, conversation_end, conversation_lock
from conversations.models import Conversation, Survey, WebhookDelivery
from conversations.survey.text_form import survey_text, survey_text_answer
from tests import factories
from tests.conversations.widget import Widget
from tests.members import client_with

pytestmark = pytest.mark.django_db
BOTH = {"after_ai_agent": True, "after_live_agent": True}


def ended(
    survey=BOTH, *, has_live_agent=False, reason=SessionEnd.NATURAL_END, locale=""
) -> Conversation:
    channel = factories.channel(survey=survey)
    conversation = factories.conversation(channel, visitor=Visitor(locale=locale))
    factories.said(conversation, "My parcel is lost.")
    if has_live_agent:
        factories.said(conversation, "", EventType.LIVE_AGENT_JOINED)
    with transaction.atomic():
        conversation_end(conversation_lock(conversation.pk), reason)
    return conversation


def asked(conversation: Conversation) -> dict | None:
    lines = conversation.events.filter(type="SHOW_CSAT_REQUEST")
    return lines[0].payload if lines else None


def answer(conversation: Conversation, body: dict):
    return Client().post(
        f"/api/v1/sessions/{conversation.session_id}/survey",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {factories.access_token(conversation)}"},
    )


def test_it_is_asked_just_before_the_end_about_whoever_was_there():
    alone, handed_over = ended(), ended(has_live_agent=True)

    kinds = list(alone.events.values_list("type", flat=True))
    assert kinds[-2:] == ["SHOW_CSAT_REQUEST", "SESSION_END"]
    assert asked(alone)["subject"] == "bot"
    assert asked(handed_over)["subject"] == "both"
    assert [one["subject"] for one in asked(handed_over)["questions"]] == ["bot", "live_agent"]


@pytest.mark.parametrize(
    ("survey", "reason"),
    [
        ({}, SessionEnd.NATURAL_END),
        ({"after_live_agent": True}, SessionEnd.NATURAL_END),
        (BOTH, SessionEnd.USER_ABANDONED),
    ],
)
def test_nobody_is_asked_where_it_is_off_or_nobody_is_there(survey, reason):
    assert asked(ended(survey, reason=reason)) is None
    assert not Survey.objects.exists()


def test_it_is_asked_in_the_end_users_language():
    assert asked(ended(locale="de-AT"))["title"] == "Wie war es?"


def test_scores_and_comment_are_kept_and_told_to_webhooks():
    conversation = ended(has_live_agent=True)
    endpoint_for(conversation)

    given = answer(conversation, {"scores": {"bot": 2, "live_agent": 5}, "comment": " Quick. "})

    assert given.status_code == 200
    assert given.json()["scores"] == {"bot": 2, "live_agent": 5}
    survey = Survey.objects.get()
    assert (survey.bot_score, survey.live_agent_score, survey.comment) == (2, 5, "Quick.")
    [told] = WebhookDelivery.objects.filter(type="csat.submitted")
    assert told.data["score"] == 5


def test_one_answer_counts_and_the_same_again_changes_nothing():
    conversation = ended()

    codes = [answer(conversation, body).status_code for body in ({"score": 4}, {"score": 4})]
    other = answer(conversation, {"score": 1})

    assert codes == [200, 200]
    assert (other.status_code, other.json()["error_code"]) == (409, "SURVEY_CLOSED")
    assert Survey.objects.get().bot_score == 4


def test_a_skipped_survey_is_answered_without_a_score():
    given = answer(ended(), {})

    assert given.json()["is_skipped"]
    assert given.json()["score"] is None


def test_an_answer_after_the_deadline_is_refused():
    conversation = ended()
    Survey.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    refused = answer(conversation, {"score": 4})

    assert refused.json()["error_message"] == "The time to rate this conversation is over."
    assert Survey.objects.get().answered_at is None


@pytest.mark.parametrize("body", [{"score": 6}, {"scores": {"vendor": 3}}, {"comment": 3}])
def test_what_is_no_answer_is_refused_and_names_its_field(body):
    refused = answer(ended(), body)

    assert refused.status_code == 400
    assert next(iter(body)) in refused.json()["error_message"]


def test_a_conversation_without_a_survey_has_none_to_answer():
    assert answer(ended({}), {"score": 4}).status_code == 409


@pytest.mark.django_db(transaction=True)
async def test_the_frame_of_polyais_sdks_answers_it_too():
    widget = await run_sync(lambda: Widget(ended()))
    client = await widget.open()

    await client.send("CSAT_RESPONSE", {"score": 6})
    refused = await client.until("SYSTEM_MESSAGE")
    await client.send("CSAT_RESPONSE", {"score": 3, "comment": "Fine."})
    await client.until("CSAT_RESPONSE")
    await widget.close()

    assert refused["payload"]["code"] == "bad_json"
    assert (await run_sync(Survey.objects.get)).bot_score == 3


@pytest.mark.parametrize(
    ("text", "scores", "comment"),
    [
        ("4", {"bot": 4, "live_agent": None}, ""),
        ("4 5", {"bot": 4, "live_agent": 5}, ""),
        ("٤, ٥ ممتاز", {"bot": 4, "live_agent": 5}, "ممتاز"),
        ("4\ufe0f\u20e3 5\ufe0f\u20e3 thanks", {"bot": 4, "live_agent": 5}, "thanks"),
        ("3/2 - slow", {"bot": 3, "live_agent": 2}, "slow"),
        ("0", {"bot": None, "live_agent": None}, ""),
    ],
)
def test_a_typed_answer_counts_where_nothing_can_be_drawn(text, scores, comment):
    conversation = ended(has_live_agent=True)
    survey = Survey.objects.get(conversation=conversation)

    assert "1 (bad) to 5 (good)" in survey_text(asked(conversation), "en")
    is_rated = any(scores.values())
    said = "Thank you. Your rating is noted." if is_rated else "All right, no rating."
    assert survey_text_answer(survey, text) == said

    kept = Survey.objects.get()
    assert (kept.scores, kept.comment) == (scores, comment)


@pytest.mark.parametrize("text", ["Hello", "10 parcels are lost", "7", "", "my 5 cents"])
def test_a_text_that_is_no_score_is_a_message(text):
    assert survey_text_answer(Survey.objects.get(conversation=ended()), text) is None


def endpoint_for(conversation: Conversation) -> None:
    conversation.project.webhook_endpoints.create(
        name="CRM", url="https://crm.example/hooks", event_types=["csat.submitted"]
    )


# ---- the page ----


def test_an_admin_sets_it_and_reads_two_averages():
    conversation = ended({}, has_live_agent=True)
    channel = conversation.channel
    client = client_with(channel.project, widgets=2)
    address = f"/p/{channel.project.public_id}/widget/{channel.pk}/survey/"

    empty = client.get(address).content.decode()
    saved = client.post(address, {"after_ai_agent": "on", "after_live_agent": "on", "minutes": "5"})
    channel.refresh_from_db()
    rated = conversation_rated(channel, {"bot": 2, "live_agent": 5})
    page = client.get(address).content.decode()

    assert saved.status_code == 302
    assert channel.survey == {**BOTH, "asks_comment": False, "minutes": 5}
    assert asked(rated)["deadline_seconds"] == 300
    assert "Nobody has been asked yet" in empty
    assert "<strong>2</strong>" in page
    assert "<strong>5</strong>" in page


def test_a_survey_of_no_minutes_is_refused_at_its_field():
    channel = factories.channel()
    client = client_with(channel.project, widgets=2)

    refused = client.post(
        f"/p/{channel.project.public_id}/widget/{channel.pk}/survey/", {"minutes": "0"}
    )

    assert refused.status_code == 422
    assert "id_minutes_error" in refused.content.decode()


def conversation_rated(channel, scores) -> Conversation:
    conversation = factories.conversation(channel)
    factories.said(conversation, "Hello")
    factories.said(conversation, "", EventType.LIVE_AGENT_JOINED)
    with transaction.atomic():
        conversation_end(conversation_lock(conversation.pk), SessionEnd.NATURAL_END)
    assert answer(conversation, {"scores": scores}).status_code == 200
    return conversation
