"""Queue this app's tasks; a queue that is away costs seconds, because a sweep queues again."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def queue_open_handoff(handoff_id: str) -> None:
    """Ask a relay worker to take a handoff."""
    _queue("handoffs.tasks.open_handoff", handoff_id)


def queue_undelivered(handoff_id: str) -> None:
    """Ask a relay worker to tell the vendor what came after the end; losing it is harmless."""
    _queue("handoffs.tasks.undelivered", handoff_id)


def queue_answer(conversation_id: str) -> None:
    """Ask a worker to let the AI agent answer."""
    _queue("handoffs.tasks.answer", conversation_id)


def queue_agent_news(handoff_id: str, tries: int = 0, *, seconds: float = 0) -> None:
    """Ask a worker to tell an outside AI agent that it is in charge again.

    Losing it is harmless: the next turn says so as well.
    """
    _queue("handoffs.tasks.agent_news", handoff_id, tries, countdown=seconds)


def queue_agent_joined_news(handoff_id: str) -> None:
    """Ask a worker to tell an outside AI agent that a live agent has joined."""
    _queue("handoffs.tasks.agent_joined_news", handoff_id)


def queue_waiting_flow(handoff_id: str, event_id: str = "") -> None:
    """Ask a worker to let the flow of the queue speak; losing it costs its words alone."""
    _queue("handoffs.tasks.waiting_flow", handoff_id, event_id)


def _queue(task: str, *arguments: object, countdown: float = 0) -> None:
    try:
        current_app.send_task(task, args=[*arguments], countdown=countdown or None, retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the sweep will: %s (%s)", task, type(error).__name__)
