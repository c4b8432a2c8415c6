"""Thin Celery tasks; each may be lost or run twice."""

from __future__ import annotations

from celery import shared_task

from conversations.ai_agent.sandbox.results import ToolError
from conversations.socket.responder import responder
from conversations.webhooks.endpoints import deliveries_purge
from conversations.webhooks.sender import WEBHOOKS


@shared_task
def send_webhooks() -> None:
    """Have this process send what is due; it does not wait for the receivers."""
    WEBHOOKS.wake()


@shared_task(autoretry_for=(ToolError,), max_retries=10, default_retry_delay=5)
def end_function(conversation_id: str) -> None:
    """Run the end_function of a conversation; where no slot is free, a little later."""
    responder().on_ended(conversation_id=conversation_id)


@shared_task
def clean_up_webhooks() -> None:
    """Delete deliveries that were kept long enough."""
    deliveries_purge()
