"""The survey of a thread: the question goes out behind the end, and the next text may answer it."""

from __future__ import annotations

from collections.abc import Iterable

from conversations.journal.frames import EventType
from conversations.models import Event, SmsInbound, SmsThread, Survey
from conversations.sms.outbox import NewText, texts_queue
from conversations.survey.text_form import survey_text_answer

# What a text that was an answer is noted as.
ANSWERED = "survey"


def survey_of(conversation_id: str, lines: Iterable[Event]) -> Survey | None:
    """Return the survey that these lines ask for, or None."""
    if not any(line.type == EventType.SHOW_CSAT_REQUEST for line in lines):
        return None
    return Survey.objects.filter(conversation_id=conversation_id).first()


def asked_last(lines: list[Event]) -> list[Event]:
    """Return lines with the question behind the end: whoever answers it reads it last."""
    return sorted(lines, key=lambda line: line.type == EventType.SHOW_CSAT_REQUEST)


def survey_taken(row: SmsInbound, thread: SmsThread) -> bool:
    """Take a text as the answer to the survey of a locked thread; False where it is none.

    Texts from before the question answer something else, and so do those with a file.
    """
    survey = thread.survey
    if survey is None or thread.conversation_id or row.media:
        return False
    if row.received_at < survey.asked_at:
        return False
    was_answered = survey.answered_at is not None
    reply = survey_text_answer(survey, row.text)
    if reply is None:
        return False
    texts_queue(thread, [NewText(source=f"survey:{row.pk}", text=reply)])
    survey.refresh_from_db()
    if was_answered or survey.answered_at is None:
        # Told once that it is too late: what they write from now on is meant otherwise.
        thread.survey = None
        thread.save(update_fields=["survey"])
    return True
