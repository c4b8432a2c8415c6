"""The survey where nothing can be drawn: a text to send, and how to read what comes back."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from conversations.errors import ConversationError
from conversations.models import Conversation, Survey
from conversations.models.survey import SCALE
from conversations.survey.reading import COMMENT_MAX, SurveyAnswer
from conversations.survey.services import survey_answer
from integrations.behaviour.sentences import sentence

_SCORES = re.compile(r"\s*(\d)(?:\s*[,;/ ]\s*(\d))?(?:[\s,;:./-]+(.*))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    scores: list[int]
    comment: str


def survey_text(payload: dict[str, Any], locale: str) -> str:
    """Return the payload of SHOW_CSAT_REQUEST as one text with the way to answer it."""
    questions = [one["question"] for one in payload["questions"]]
    how = "survey_by_text" if len(questions) == 1 else "survey_by_text_two"
    return "\n".join([*questions, sentence(how, locale)])


def survey_open(conversation: Conversation) -> Survey | None:
    """Return the survey of an ended conversation that can still be answered, or None."""
    rows = Survey.objects.filter(
        conversation=conversation, answered_at=None, deadline_at__gt=timezone.now()
    )
    return rows.select_related("conversation").first()


def survey_text_answer(survey: Survey, text: str) -> str | None:
    """Keep a typed answer and return what is said to it; None for a text that is none.

    "4", "4 5" where two are asked about, "4 very quick", and "0" to skip.
    """
    read = _read(text, len(survey.subjects))
    if read is None:
        return None
    scores = {
        subject: score or None for subject, score in zip(survey.subjects, read.scores, strict=False)
    }
    locale = survey.conversation.tongue
    try:
        survey_answer(survey.conversation_id, SurveyAnswer(scores=scores, comment=read.comment))
    except ConversationError as error:
        return error.text(locale)
    return sentence("survey_thanks", locale)


def _read(text: str, questions: int) -> _Read | None:
    """Return scores and comment; digits of any script count."""
    western = "".join(
        str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text.strip()
    )
    found = _SCORES.fullmatch(western)
    if found is None:
        return None
    first, second, rest = found.groups(default="")
    scores = [int(first)]
    if second and questions == 2:
        scores.append(int(second))
    elif second:
        rest = f"{second} {rest}".strip()
    return (
        _Read(scores=scores, comment=rest.strip()[:COMMENT_MAX]) if max(scores) <= SCALE else None
    )
