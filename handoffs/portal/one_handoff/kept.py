"""How long one conversation is kept, and what holds it beyond that, in words."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.dateformat import format as date_format

from conversations.models import Conversation
from handoffs.lifecycle.deadlines import VENDOR_CALLS_KEPT
from integrations.projects.retention import retention_of


def kept_words(conversation: Conversation, held_until: date | None) -> str:
    """Say what holds a conversation (journal/holds.py), and when it goes."""
    if held_until is None:
        return f"{_until(conversation)} {_parts()}"
    is_open_ended = held_until == date.max
    last = "until it is lifted" if is_open_ended else f"until {date_format(held_until, 'j M Y')}"
    return f"On legal hold {last}: nothing of it is deleted or erased."


def _until(conversation: Conversation) -> str:
    days = retention_of(conversation.project).conversation_days
    if not days:
        return "For ever: the project deletes no conversation by itself."
    if conversation.ended_at is None:
        return f"{days} days after its end."
    last = timezone.localtime(conversation.ended_at + timedelta(days=days))
    return f"Until {date_format(last, 'j M Y')}, {days} days after its end."


def _parts() -> str:
    calls = VENDOR_CALLS_KEPT.after.days
    return f"Its files {settings.ATTACHMENT_KEEP_DAYS} days, calls to a vendor {calls}."
