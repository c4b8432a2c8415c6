"""What a project keeps, by class: how long, since when there is any, and what goes with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from conversations.models import Conversation, LogEntry
from handoffs.clocks.retention import LONELY
from handoffs.lifecycle.deadlines import VENDOR_CALLS_KEPT
from handoffs.portal.lists.long_exports import GOOD_FOR
from integrations.models import AuditEntry, Project
from integrations.projects.retention import retention_of


class KeptClass(NamedTuple):
    """One row of the table; 0 days are for ever, and of some classes no oldest is looked for."""

    what: str
    days: int
    since: str
    and_then: str
    oldest: datetime | None = None


def kept_classes(project: Project) -> list[KeptClass]:
    """Return the classes, with the oldest of those that grow the most, in one statement."""
    kept, oldest = retention_of(project), _oldest(project)
    return [
        KeptClass(
            "Conversations",
            kept.conversation_days,
            "their end",
            "What was said, notes, files, handoffs and calls go; figures without a person stay.",
            oldest["conversation"],
        ),
        KeptClass(
            "Files",
            settings.ATTACHMENT_KEEP_DAYS,
            "they were sent",
            "The line in the conversation stays.",
        ),
        KeptClass(
            "Log entries", kept.log_days, "they were written", "The line goes.", oldest["log"]
        ),
        KeptClass(
            "Calls to vendors",
            VENDOR_CALLS_KEPT.after.days,
            "they were made",
            "The figures of Health go with them.",
        ),
        KeptClass(
            "Events for webhooks",
            settings.WEBHOOK_DELIVERY_KEEP_DAYS,
            "they happened",
            "What an endpoint has taken is its own.",
        ),
        KeptClass("Lists as files", GOOD_FOR.days, "they were written", "The file goes."),
        KeptClass(
            "End users without a conversation",
            LONELY.days,
            "they came",
            "Name, addresses and ids go.",
        ),
        KeptClass(
            "Audit", 0, "", "Names of who did what, never a value of a field.", oldest["audit"]
        ),
    ]


def _oldest(project: Project) -> dict[str, datetime | None]:
    of_it = {"project": OuterRef("pk")}
    ended = Conversation.objects.filter(**of_it, ended_at__isnull=False)
    firsts = {
        "conversation": _first(ended, "started_at"),
        "log": _first(LogEntry.objects.filter(**of_it), "at"),
        "audit": _first(AuditEntry.objects.filter(**of_it), "at"),
    }
    row = Project.objects.annotate(**firsts).values_list(*firsts).get(pk=project.pk)
    return dict(zip(firsts, row, strict=True))


def _first(rows: QuerySet[Any], by: str) -> Subquery:
    return Subquery(rows.order_by(by).values(by)[:1])
