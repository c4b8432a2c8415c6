"""Read handoffs for the screen pop."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet

from conversations.journal.selectors import transcript_get
from handoffs.models import Handoff
from integrations.models import Project

_ATTEMPT = re.compile(r"(?<=-[0-9a-f]{12})-[0-9]+$")


def handoff_find(
    project: Project, *, conversation_id: str, shared_id: str, handoff_id: str
) -> Handoff | None:
    """Return the latest handoff of a conversation or shared id; the shared id wins."""
    handoffs: QuerySet[Handoff] = Handoff.objects.filter(conversation__project=project)
    if shared_id:
        handoffs = handoffs.filter(shared_id=shared_id)
    else:
        handoffs = handoffs.filter(conversation_id=conversation_id)
    if handoff_id:
        # A vendor's desktop may know the key of the second attempt: the id and its number.
        handoffs = handoffs.filter(pk=_ATTEMPT.sub("", handoff_id))
    return handoffs.select_related("conversation").order_by("-requested_at").first()


def handoff_transcript(handoff: Handoff) -> list[dict[str, Any]]:
    """Return what `expand=transcript` adds: the conversation so far, oldest first."""
    return [
        {"ts": entry["ts"].isoformat(), "sender": entry["sender"], "text": entry["text"]}
        for entry in transcript_get(handoff.conversation)
    ]
