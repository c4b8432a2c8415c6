"""Thin Celery tasks; each may be lost or run twice."""

from __future__ import annotations

from celery import shared_task

from conversations.webhooks.endpoints import deliveries_purge
from conversations.webhooks.sender import WEBHOOKS


@shared_task
def send_webhooks() -> None:
    """Have this process send what is due; it does not wait for the receivers."""
    WEBHOOKS.wake()


@shared_task
def clean_up_webhooks() -> None:
    """Delete deliveries that were kept long enough."""
    deliveries_purge()
