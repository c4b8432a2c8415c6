"""Thin Celery tasks; each may be lost or run twice."""

from __future__ import annotations

from celery import shared_task

from conversations.journal.publish import stream_wake
from conversations.sms.silence import silent_threads_end
from conversations.sms.worker import TEXTS
from conversations.socket.responder import responder
from conversations.webhooks.endpoints import deliveries_purge
from conversations.webhooks.sender import WEBHOOKS
from conversations.webhooks.stream import streams_number


@shared_task
def send_webhooks() -> None:
    """Have this process send what is due, for which it does not wait, and wake agents' sockets."""
    WEBHOOKS.wake()
    for stream_id in streams_number():
        stream_wake(stream_id)


@shared_task
def end_function(conversation_id: str) -> None:
    """Run the end_function of a conversation; where no slot is free, the sweep asks again."""
    responder().on_ended(conversation_id=conversation_id)


@shared_task
def carry_texts() -> None:
    """Have this process pass on texts that came in, and those that are to go out."""
    TEXTS.wake()


@shared_task
def watch_texts() -> None:
    """Ask silent threads whether somebody is there, and carriers what they could not tell."""
    silent_threads_end()
    TEXTS.look_back()


@shared_task
def clean_up_webhooks() -> None:
    """Delete deliveries that were kept long enough."""
    deliveries_purge()
