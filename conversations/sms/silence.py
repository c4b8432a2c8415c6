"""Nobody writes for a day: ask once, and end the conversation when the answer is silence."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from conversations.journal.text_wake_up import texts_wake_on_commit
from conversations.models import SmsThread
from conversations.sms.outbox import NewText, texts_queue
from conversations.sms.telling import thread_lock, thread_pass_by
from conversations.socket.responder import responder
from integrations.behaviour.sentences import sentence
from integrations.credentials.fields import DecryptionError

_BATCH = 200


def silent_threads_end() -> None:
    """Ask those that have become silent, and end those that stayed silent after."""
    now = timezone.now()
    open_ = SmsThread.objects.filter(conversation__isnull=False)
    silent = open_.filter(
        warned_at=None, active_at__lt=now - timedelta(seconds=settings.SMS_IDLE_SECONDS)
    )
    for thread_id in list(silent.values_list("pk", flat=True)[:_BATCH]):
        try:
            _ask(thread_id)
        except DecryptionError:
            thread_pass_by(thread_id)
    over = open_.filter(warned_at__lt=now - timedelta(seconds=settings.SMS_IDLE_CLOSE_SECONDS))
    for conversation_id in list(over.values_list("conversation_id", flat=True)[:_BATCH]):
        responder().on_gone(conversation_id=conversation_id)


@transaction.atomic
def _ask(thread_id: int) -> None:
    thread = thread_lock(thread_id)
    if thread.warned_at is not None or thread.conversation is None:
        return
    if thread.opted_out_at is None:
        text = sentence("inactivity_warning", thread.conversation.tongue)
        source = f"silent:{thread.conversation_id}:{int(thread.active_at.timestamp())}"
        texts_queue(thread, [NewText(source=source, text=text)])
    thread.warned_at = timezone.now()
    thread.save(update_fields=["warned_at"])
    texts_wake_on_commit()
