"""Tell a worker that texts came in or are to go out; what is lost here is found by the clock."""

from __future__ import annotations

import asyncio
import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_TASK = "conversations.tasks.carry_texts"


def texts_wake_on_commit() -> None:
    """Wake a worker once the transaction is committed."""
    transaction.on_commit(texts_wake)


def texts_wake() -> None:
    """Wake a worker at once."""
    try:
        current_app.send_task(_TASK, retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the clock will: %s (%s)", _TASK, type(error).__name__)


def texts_wake_from_loop() -> None:
    """Wake a worker from asynchronous code, which does not wait for the queue."""
    asyncio.get_running_loop().run_in_executor(None, texts_wake)
