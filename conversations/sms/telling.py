"""Move a thread's cursor through the journal: each line becomes texts in the same transaction."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.models import Conversation, Event, SmsThread
from conversations.sms.outbox import NewText, texts_queue
from conversations.sms.survey import asked_last, survey_of
from conversations.sms.wording import line_text
from integrations.connections.carriers.reading import connection_policy, text_limits
from integrations.credentials.fields import DecryptionError

logger = logging.getLogger(__name__)
_BATCH = 100
_THREADS = 200
# Lines of this number and below may be a greeting: nobody has said anything before.
_OPENING_LINES = 12


def threads_tell() -> None:
    """Write texts for all that journals have beyond what their threads were told."""
    behind = SmsThread.objects.filter(conversation__last_sequence__gt=F("told_sequence"))
    for thread_id in list(behind.order_by("active_at").values_list("pk", flat=True)[:_THREADS]):
        try:
            while thread_tell(thread_id):
                pass
        except DecryptionError:
            thread_pass_by(thread_id)


def thread_pass_by(thread_id: int) -> None:
    """Put a thread behind all others: no key decrypts its connection, and others can be served."""
    logger.error("Thread %s has a connection that cannot be read: its key is missing", thread_id)
    SmsThread.objects.filter(pk=thread_id).update(active_at=timezone.now())


@transaction.atomic
def thread_tell(thread_id: int) -> bool:
    """Write texts for the next lines of a thread's journal; True where there may be more."""
    thread = thread_lock(thread_id)
    conversation = thread.conversation
    if conversation is None:
        return False
    lines = list(
        Event.objects.filter(conversation=conversation, sequence__gt=thread.told_sequence).order_by(
            "sequence"
        )[:_BATCH]
    )
    if not lines:
        return False
    if thread.opted_out_at is None:
        texts = _texts(thread, conversation, lines)
        texts_queue(thread, texts)
        if texts:
            thread.active_at = timezone.now()
        thread.survey = survey_of(conversation.pk, lines) or thread.survey
    thread.told_sequence = lines[-1].sequence
    if lines[-1].type == EventType.SESSION_END:
        thread.conversation, thread.told_sequence = None, 0
    thread.save(update_fields=["told_sequence", "conversation", "active_at", "survey"])
    return len(lines) == _BATCH


def thread_lock(thread_id: int) -> SmsThread:
    """Lock a thread; what it says and hears is written one after the other."""
    rows = SmsThread.objects.select_for_update(of=("self",))
    related = "integration__project__workspace", "conversation", "survey__conversation"
    return rows.select_related(*related).get(pk=thread_id)


def _texts(thread: SmsThread, conversation: Conversation, lines: list[Event]) -> list[NewText]:
    policy = connection_policy(thread.integration)
    limits = text_limits(thread.integration)
    shown = lines if "greeting" in policy.told else _after_greeting(conversation, lines)
    made = (
        line_text(line, locale=conversation.tongue, policy=policy, limits=limits)
        for line in asked_last(shown)
    )
    return [one for one in made if one is not None]


def _after_greeting(conversation: Conversation, lines: list[Event]) -> list[Event]:
    """Leave out what the AI agent says before anybody has said anything."""
    if lines[0].sequence > _OPENING_LINES:
        return lines
    said = Event.objects.filter(conversation=conversation, type=EventType.USER_MESSAGE)
    first = said.order_by("sequence").values_list("sequence", flat=True).first()
    return [
        line
        for line in lines
        if line.type != EventType.POLY_AGENT_MESSAGE
        or line.metadata
        or (first and line.sequence > first)
    ]
