"""What a verified end user said before, in conversations that were verified themselves."""

from __future__ import annotations

from typing import Any

from conversations.journal.selectors import transcript_get
from conversations.models import Conversation

CONVERSATIONS_MAX = 20
LINES_MAX = 100


def history_of(conversation: Conversation) -> list[dict[str, Any]]:
    """Return earlier conversations of the same verified person; none of an anonymous one."""
    if not conversation.end_user.is_verified:
        return []
    rows = Conversation.objects.filter(
        project_id=conversation.project_id,
        end_user_id=conversation.end_user_id,
        end_user__is_verified=True,
        is_discarded=False,
    ).exclude(pk=conversation.pk)
    return [
        {
            "started_at": row.started_at.isoformat(timespec="milliseconds"),
            "lines": [
                {"at": line["ts"], "from": line["sender"], "text": line["text"]}
                for line in transcript_get(row, limit=LINES_MAX)
            ],
        }
        for row in rows.order_by("-started_at")[:CONVERSATIONS_MAX]
    ]
