"""The columns of an export of conversations, read some hundreds of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from conversations.models import Conversation
from handoffs.portal.conversations.listing import channel_label
from integrations.models import Project
from integrations.projects.lists.export import EXPORTED_MAX
from integrations.projects.lists.paging import newest_chunks

COLUMNS = (
    *("conversation_id", "url", "environment", "channel", "started_at", "ended_at"),
    *("duration_seconds", "state", "outcome", "topic", "live_agent", "rating_ai_agent"),
    *("rating_live_agent", "tags"),
)
# Of members who may see personal data.
PERSONAL_COLUMNS = ("end_user_id", "end_user", "email", "phone", "first_words")


def export_columns(*, sees_personal_data: bool) -> tuple[str, ...]:
    """Return the columns that a member gets."""
    return (*COLUMNS, *PERSONAL_COLUMNS) if sees_personal_data else COLUMNS


def exported_rows(
    rows: QuerySet[Conversation], project: Project, limit: int = EXPORTED_MAX
) -> Iterator[dict[str, Any]]:
    """Yield the newest rows of a list, up to a limit."""
    for chunk in newest_chunks(rows, "started_at", limit):
        yield from (_exported(row, project) for row in chunk)


def _exported(row: Conversation, project: Project) -> dict[str, Any]:
    search, person = getattr(row, "search", None), row.end_user
    path = reverse("conversation", args=[project.public_id, row.pk])
    ratings = search.ratings if search else {}
    ended = row.ended_at
    return {
        "conversation_id": row.pk,
        "url": f"{settings.PUBLIC_URL.rstrip('/')}{path}",
        "environment": row.environment,
        "channel": channel_label(row),
        "started_at": row.started_at.isoformat(),
        "ended_at": ended.isoformat() if ended else None,
        "duration_seconds": round((ended - row.started_at).total_seconds(), 3) if ended else None,
        "state": row.state,
        "outcome": search.outcome if search else "",
        "topic": search.topic if search else "",
        "live_agent": search.agent_name if search else "",
        "rating_ai_agent": ratings.get("ai_agent"),
        "rating_live_agent": ratings.get("live_agent"),
        "tags": search.tags if search else [],
        "end_user_id": person.external_id,
        "end_user": person.name,
        "email": person.email,
        "phone": person.phone,
        "first_words": search.first_words if search else "",
    }
