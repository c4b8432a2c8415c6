"""Have the project's end_function run, where it has one, once the end is in the database."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from conversations.models import Conversation, Tool
from conversations.releases.content import content_of

logger = logging.getLogger(__name__)
END = "end_function"
_TASK = "conversations.tasks.end_function"


def end_function_queue(conversation: Conversation) -> None:
    """Queue it on commit; a conversation without one costs a look at its tools."""
    if END in content_of(conversation).named(Tool, [END]):
        transaction.on_commit(partial(_queue, conversation_id=conversation.pk))


def _queue(*, conversation_id: str) -> None:
    try:
        current_app.send_task(_TASK, args=[conversation_id], retry=False)
    except OperationalError as error:
        logger.warning("Not queued: %s (%s)", _TASK, type(error).__name__)
