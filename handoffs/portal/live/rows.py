"""A row of the live console: its words, and the facts by which a change is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoffs.portal.live.reading import STUCK, spoken_by
from handoffs.portal.one_handoff.wording import BADGES, Badge
from handoffs.states import State
from integrations.contract.integration_keys import vendor_name


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One handoff as the console shows it; equal rows look the same but for their clocks."""

    id: str
    conversation_id: str
    state: str
    badge: Badge
    reason: str
    place: str
    end_user: str
    vendor: str
    environment: str
    requested_at: datetime
    joined_at: datetime | None
    ended_at: datetime | None
    last_by: str
    last_at: datetime | None
    undelivered: int
    worker: str
    is_worker_gone: bool


def live_row(handoff: Any, *, shows_people: bool) -> LiveRow:
    """Describe a handoff that live_page has read; names of end users by right alone."""
    person = handoff.conversation.end_user
    return LiveRow(
        id=handoff.pk,
        conversation_id=handoff.conversation_id,
        state=handoff.state,
        badge=BADGES[State(handoff.state)],
        reason=STUCK.get(handoff.stuck, ""),
        place=_place(handoff),
        end_user=(person.name if shows_people else "") or f"Visitor {person.external_id[-4:]}",
        vendor=vendor_name(handoff.integration_key) or "No integration",
        environment=handoff.get_environment_display(),
        requested_at=handoff.requested_at,
        joined_at=handoff.joined_at,
        ended_at=handoff.ended_at,
        last_by=spoken_by(handoff.last_type),
        last_at=handoff.last_at,
        undelivered=handoff.undelivered,
        worker=handoff.owner.name if handoff.owner else "",
        is_worker_gone=handoff.stuck == "worker_gone",
    )


def _place(handoff: Any) -> str:
    """Name the live agents who are there, else the queue."""
    present = [str(name) for name in handoff.live_agents.values() if name]
    return ", ".join(present) or str(handoff.queue_status.get("queue_name") or "")
