"""Ask at the end of a conversation, and keep what was answered in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.errors import ConversationError
from conversations.models import Conversation, Survey
from conversations.models.review import search_forget
from conversations.models.survey import SCALE
from conversations.survey.reading import SurveyAnswer
from conversations.survey.settings import survey_settings, survey_subject
from conversations.webhooks.bodies import moment
from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.outbox import conversation_tell
from integrations.behaviour.sentences import sentence

_QUESTIONS = {"bot": "survey_question_bot", "live_agent": "survey_question_live_agent"}


class SurveyClosedError(ConversationError):
    """There is none to answer, its time is over, or it is answered already."""

    code = "survey_closed"


def survey_ask(conversation: Conversation) -> dict[str, Any] | None:
    """Return the payload of SHOW_CSAT_REQUEST for a conversation that is ending, or None."""
    if conversation.is_discarded:
        return None
    if not (subject := survey_subject(conversation)):
        return None
    minutes = survey_settings(conversation.channel).minutes
    survey, is_new = Survey.objects.get_or_create(
        conversation=conversation,
        defaults={
            "subject": subject,
            "deadline_at": timezone.now() + timedelta(minutes=minutes),
        },
    )
    return survey_payload(survey) if is_new else None


def survey_payload(survey: Survey) -> dict[str, Any]:
    """Return a survey as a client draws it, in the end user's language."""
    conversation = survey.conversation
    locale = conversation.tongue
    questions = [
        {"subject": subject, "question": sentence(_QUESTIONS[subject], locale)}
        for subject in survey.subjects
    ]
    seconds = (survey.deadline_at - survey.asked_at).total_seconds()
    return {
        "title": sentence("survey_title", locale),
        "question": questions[-1]["question"],
        "questions": questions,
        "subject": survey.subject,
        "scale": SCALE,
        "asks_comment": survey_settings(conversation.channel).asks_comment,
        "deadline_seconds": round(seconds),
    }


@transaction.atomic
def survey_answer(conversation_id: str, given: SurveyAnswer) -> Survey:
    """Keep an answer; raises SurveyClosedError. The same answer again changes nothing."""
    survey = (
        Survey.objects.select_for_update(of=("self",))
        .select_related("conversation__channel", "conversation__project")
        .filter(conversation_id=conversation_id)
        .first()
    )
    if survey is None:
        raise SurveyClosedError("survey_none")
    wanted = given.of(survey)
    if survey.answered_at is not None:
        if (wanted, given.comment) == (survey.scores, survey.comment):
            return survey
        raise SurveyClosedError("survey_answered")
    if timezone.now() > survey.deadline_at:
        raise SurveyClosedError("survey_over")
    for subject, score in wanted.items():
        setattr(survey, f"{subject}_score", score)
    survey.comment, survey.answered_at = given.comment, timezone.now()
    survey.save()
    search_forget([survey.conversation_id])
    conversation_tell(survey.conversation, WebhookType.CSAT_SUBMITTED, lambda: survey_data(survey))
    return survey


def survey_data(survey: Survey) -> dict[str, Any]:
    """Return a survey as systems read it: the Conversations API and the webhook."""
    given = [score for score in survey.scores.values() if score is not None]
    return {
        "subject": survey.subject,
        "scale": SCALE,
        # Of whoever was asked about last: where there are two, `scores` tells them apart.
        "score": given[-1] if given else None,
        "scores": survey.scores,
        "comment": survey.comment,
        "is_skipped": survey.is_skipped,
        "asked_at": moment(survey.asked_at),
        "deadline_at": moment(survey.deadline_at),
        "answered_at": moment(survey.answered_at),
    }
