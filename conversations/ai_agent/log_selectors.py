"""Read the project's log."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from conversations.models import LogEntry
from integrations.models import Project


def log_list(
    *, project: Project, level: str = "", search: str = "", may_see_personal_data: bool = False
) -> QuerySet[LogEntry]:
    """Return log entries, newest first; those marked personal only to who may see them."""
    entries = LogEntry.objects.filter(project=project)
    if not may_see_personal_data:
        entries = entries.filter(is_pii=False)
    if level:
        entries = entries.filter(level=level)
    for word in search.replace("\x00", "").split():
        entries = entries.filter(
            Q(content__icontains=word)
            | Q(source__icontains=word)
            | Q(code__icontains=word)
            | Q(conversation__id__icontains=word)
        )
    return entries
