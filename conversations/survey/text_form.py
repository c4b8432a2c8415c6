"""The survey where nothing can be drawn: a text to send, and how to read what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from conversations.errors import ConversationError
from conversations.models import Survey
from conversations.models.survey import SCALE
from conversations.survey.reading import COMMENT_MAX, SurveyAnswer
from conversations.survey.services import survey_answer
from integrations.behaviour.sentences import sentence
from integrations.kit.text_form import western

# "4", "4 5", "4/5", "4, quick", "4! quick"; digits that go on are a number of something else.
_SCORES = re.compile(r"(\d)(?:\s*([,;/ ])\s*(\d)(?!\w))?(?:[^\w](.*))?", re.DOTALL)
_ALWAYS_SKIPS = "skip"
# What makes a picture of a digit, as phones type it.
_KEYCAP = re.compile(r"[\ufe0e\ufe0f\u20e3]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was typed; a comment makes it longer than a bare score."""

    scores: list[int]
    comment: str = ""


def survey_text(payload: dict[str, Any], locale: str) -> str:
    """Return the payload of SHOW_CSAT_REQUEST as one text with the way to answer it."""
    questions = [one["question"] for one in payload["questions"]]
    how = sentence("survey_by_text" if len(questions) == 1 else "survey_by_text_two", locale)
    if payload.get("asks_comment"):
        how = f"{how} {sentence('survey_by_text_comment', locale)}"
    return "\n".join([*questions, how])


def survey_text_answer(survey: Survey, text: str) -> str | None:
    """Keep a typed answer and return what is said to it; None for a text that is none.

    "4", "4 5" where two are asked about, "4 very quick", and "0" or the word to skip. Too late, or
    a second time, only a bare score is taken for an answer: words are somebody's next concern.
    """
    locale = survey.conversation.tongue
    read = _read(text, len(survey.subjects), locale)
    if read is None:
        return None
    is_open = survey.answered_at is None and timezone.now() <= survey.deadline_at
    if read.comment and not is_open:
        return None
    scores = {
        subject: score or None for subject, score in zip(survey.subjects, read.scores, strict=False)
    }
    try:
        survey_answer(survey.conversation_id, SurveyAnswer(scores=scores, comment=read.comment))
    except ConversationError as error:
        return error.text(locale)
    return sentence("survey_thanks" if any(read.scores) else "survey_skipped", locale)


def _read(text: str, questions: int, locale: str) -> _Read | None:
    """Return scores and comment; digits of any script count."""
    typed = western(_KEYCAP.sub("", text).strip())
    if typed.strip(" .!").casefold() in (
        _ALWAYS_SKIPS,
        sentence("survey_skip_word", locale).casefold(),
    ):
        return _Read(scores=[0])
    found = _SCORES.fullmatch(typed)
    if found is None:
        return None
    first, between, second, rest = found.groups(default="")
    scores = [int(first)]
    if second and questions == 2:
        scores.append(int(second))
    elif second and (between, int(second)) != ("/", SCALE):  # 4/5 is four of five
        rest = f"{second} {rest}"
    comment = rest.strip(" \t\n,;:./-!")[:COMMENT_MAX]
    return _Read(scores=scores, comment=comment) if max(scores) <= SCALE else None
