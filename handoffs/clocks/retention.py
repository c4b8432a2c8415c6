"""Delete what a project keeps no longer: conversations, text messages, lines of its log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from conversations.journal.erasing import conversations_delete, texts_delete
from conversations.journal.holds import conversations_held, people_held
from conversations.models import Conversation, EndUser, LogEntry
from handoffs.models import Handoff
from integrations.models import Project, VendorCall
from integrations.projects.retention import Retention, retention_of

# In one tick and project, so that nobody else waits for it.
CONVERSATIONS_AT_ONCE = 500
LOG_AT_ONCE = 5000
_STEP = 50
LONELY = timedelta(days=30)


def retention_run() -> None:
    """Delete what is over in every project."""
    for project in Project.objects.all():
        kept = retention_of(project)
        for step in _steps(conversations_due(project, kept)):
            due_delete(step)
        if kept.conversation_days:
            texts_delete(project, _days_ago(kept.conversation_days), LOG_AT_ONCE)
        _log_delete(project, kept)


def conversations_due(project: Project, kept: Retention) -> list[str]:
    """Return the conversations that ended long enough ago, the oldest first."""
    if not kept.conversation_days:
        return []
    until = _days_ago(kept.conversation_days)
    rows = Conversation.objects.filter(project=project, ended_at__lt=until)
    told = rows.exclude(handoffs__vendor_end_until__gt=timezone.now())
    free = told.exclude(pk__in=conversations_held().values("pk"))
    return list(free.order_by("ended_at").values_list("pk", flat=True)[:CONVERSATIONS_AT_ONCE])


def due_delete(due: list[str]) -> None:
    """Delete conversations, but for those that were put on hold since they were found due."""
    held = conversations_held().filter(pk__in=due).values_list("pk", flat=True)
    conversation_ids = [*{*due} - {*held}]
    handoffs = Handoff.objects.filter(conversation__in=conversation_ids)
    references = list(handoffs.values_list("pk", flat=True))
    VendorCall.objects.filter(reference__in=references).delete()
    conversations_delete(conversation_ids)


def _log_delete(project: Project, kept: Retention) -> None:
    if kept.log_days:
        until = _days_ago(kept.log_days)
        old = LogEntry.objects.filter(project=project, at__lt=until).order_by("at")
        old = old.exclude(conversation__in=conversations_held())
        LogEntry.objects.filter(
            pk__in=list(old.values_list("pk", flat=True)[:LOG_AT_ONCE])
        ).delete()


def lonely_delete() -> None:
    """Delete end users of whom nothing is left."""
    until = timezone.now() - LONELY
    lonely = EndUser.objects.filter(conversations=None, created_at__lt=until)
    free = lonely.exclude(pk__in=people_held().values("pk"))
    EndUser.objects.filter(pk__in=list(free.values_list("pk", flat=True)[:LOG_AT_ONCE])).delete()


def _days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _steps(ids: list[str]) -> Iterator[list[str]]:
    yield from (ids[at : at + _STEP] for at in range(0, len(ids), _STEP))
