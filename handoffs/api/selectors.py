"""Read handoffs for the screen pop."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet

from conversations.journal.selectors import transcript_get
from handoffs.models import Handoff
from handoffs.states import State
from integrations.models import Project

_ATTEMPT = re.compile(r"(?<=-[0-9a-f]{12})-[0-9]+$")
# Handoff-States names of agent_api 12.2
_STATUS = {
    State.REQUESTED: "handoff_initiated",
    State.CONNECTING: "handoff_initiated",
    State.QUEUED: "handoff_initiated",
    State.ACTIVE: "handoff_completed",
    State.ENDED: "handoff_completed",
    State.FAILED: "handoff_failed",
}


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


def handoff_details(handoff: Handoff) -> dict[str, Any]:
    """Return the object that `expand=handoff` adds."""
    is_cancelled = handoff.end_reason == "cancelled"
    return {
        "id": handoff.pk,
        "integration": handoff.integration_key,
        "status": "handoff_failed" if is_cancelled else _STATUS[State(handoff.state)],
        "state": handoff.state,
        "reason": handoff.reason,
        "destination": handoff.destination,
        "utterance": handoff.utterance,
        "agent_name": handoff.agent_name,
        "vendor_conversation_id": handoff.vendor_conversation_id,
        "queue": handoff.queue_status.get("queue_name") or handoff.routing.get("queue", ""),
        "requested_at": _time(handoff.requested_at),
        "accepted_at": _time(handoff.accepted_at),
        "joined_at": _time(handoff.joined_at),
        "ended_at": _time(handoff.ended_at),
        "end_reason": handoff.end_reason or handoff.error_code,
        "attempt": handoff.attempt,
        "attempts": _attempts(handoff),
    }


def _attempts(handoff: Handoff) -> list[dict[str, Any]]:
    """Return the integrations tried, in order; only one that was given up has an error."""
    past = handoff.past_attempts.all() if handoff.attempt > 1 else []
    tried = [(row.number, row.integration_key, row.error_code) for row in past]
    tried.append((handoff.attempt, handoff.integration_key, handoff.error_code))
    return [
        {"attempt": number, "integration": key, "error_code": code} for number, key, code in tried
    ]


def handoff_transcript(handoff: Handoff) -> list[dict[str, Any]]:
    """Return what `expand=transcript` adds: the conversation so far, oldest first."""
    return [
        {"ts": entry["ts"].isoformat(), "sender": entry["sender"], "text": entry["text"]}
        for entry in transcript_get(handoff.conversation)
    ]


def _time(value: Any) -> str | None:
    return value.isoformat() if value else None
