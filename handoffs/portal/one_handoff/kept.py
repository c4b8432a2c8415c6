"""How long one conversation is kept, and what holds it beyond that, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.dateformat import format as date_format

from conversations.journal.holds import conversations_held, holds_in_force
from conversations.models import Conversation, LegalHold
from integrations.models import Project
from integrations.projects.retention import retention_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A hold where there is one, and the words for how long a conversation stays."""

    hold: LegalHold | None
    words: str


def kept_of(conversation: Conversation) -> Kept:
    """Say what holds a conversation, and when it goes."""
    held = Q(conversation=conversation) | Q(end_user=conversation.end_user_id)
    hold = holds_in_force().filter(held).order_by("until").last()
    if hold is not None:
        last = f"until {date_format(hold.until, 'j M Y')}" if hold.until else "until it is lifted"
        return Kept(hold=hold, words=f"On legal hold {last}: nothing of it is deleted or erased.")
    return Kept(hold=None, words=f"{_until(conversation)} {_parts()}")


def held_among(project: Project, conversation_ids: list[str]) -> set[str]:
    """Return which of some conversations are on hold."""
    rows = conversations_held().filter(project=project, pk__in=conversation_ids)
    return set(rows.values_list("pk", flat=True))


def _until(conversation: Conversation) -> str:
    days = retention_of(conversation.project).conversation_days
    if not days:
        return "For ever: the project deletes no conversation by itself."
    if conversation.ended_at is None:
        return f"{days} days after its end."
    last = timezone.localtime(conversation.ended_at + timedelta(days=days))
    return f"Until {date_format(last, 'j M Y')}, {days} days after its end."


def _parts() -> str:
    return (
        f"Its files {settings.ATTACHMENT_KEEP_DAYS} days, calls to a vendor "
        f"{settings.VENDOR_CALL_KEEP_DAYS}."
    )
