"""A handoff as other systems read it: the object of `expand=handoff` (agent_api section 7)."""

from __future__ import annotations

from typing import Any

from handoffs.models import Handoff
from handoffs.states import State

# Handoff-States names of agent_api 12.2
_STATUS = {
    State.REQUESTED: "handoff_initiated",
    State.CONNECTING: "handoff_initiated",
    State.QUEUED: "handoff_initiated",
    State.ACTIVE: "handoff_completed",
    State.ENDED: "handoff_completed",
    State.FAILED: "handoff_failed",
}


def handoff_status(handoff: Handoff) -> str:
    """Return the Handoff-States name; one that was cancelled counts as failed."""
    is_cancelled = handoff.end_reason == "cancelled"
    return "handoff_failed" if is_cancelled else _STATUS[State(handoff.state)]


def handoff_destination(handoff: Handoff) -> str:
    """Return where it goes: the name that was given, else the queue, else the integration."""
    queue = str(handoff.routing.get("queue") or "")
    return handoff.destination or queue or handoff.integration_key


def handoff_details(handoff: Handoff) -> dict[str, Any]:
    """Return how a handoff stands; times are ISO 8601 or None."""
    return {
        "id": handoff.pk,
        "integration": handoff.integration_key,
        "status": handoff_status(handoff),
        "state": handoff.state,
        "reason": handoff.reason,
        "reason_code": handoff.reason_code,
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


def _time(value: Any) -> str | None:
    return value.isoformat() if value else None
