"""Have the project's end_function run, where it has one, once the end is in the database."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from conversations.models import Conversation, Tool
from conversations.releases.content import content_of

logger = logging.getLogger(__name__)
END = "end_function"
_TASK = "conversations.tasks.end_function"


def end_function_note(conversation: Conversation) -> None:
    """Make it due and queue it on commit; without one this costs a look at the tools.

    The caller saves the conversation.
    """
    if END in content_of(conversation).named(Tool, [END]):
        conversation.end_function_due_at = timezone.now()
        transaction.on_commit(partial(end_function_queue, conversation_id=conversation.pk))


def end_function_queue(*, conversation_id: str) -> None:
    """Ask a worker to run it; where that is lost, the clock asks again."""
    try:
        current_app.send_task(_TASK, args=[conversation_id], retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the sweep will: %s (%s)", _TASK, type(error).__name__)
