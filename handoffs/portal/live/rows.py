"""A row of the live console: its words, and the facts by which a change is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoffs.portal.conversations.listing import visitor_label
from handoffs.portal.live.opened import STUCK
from handoffs.portal.live.reading import Shown, spoken_by
from handoffs.portal.one_handoff.wording import BADGES, Badge
from handoffs.states import State
from integrations.contract.integration_keys import vendor_name
from integrations.models import Environment

# Of what is over here while the vendor has not confirmed it; after a minute it is stuck.
_ENDING = Badge("Ending…", "info")


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
    last_text: str
    undelivered: int
    worker: str
    is_worker_gone: bool


def live_row(row: Shown, *, shows_people: bool) -> LiveRow:
    """Describe a handoff that live_page has read; names of end users by right alone."""
    name = row.end_user if shows_people else ""
    return LiveRow(
        id=row.id,
        conversation_id=row.conversation_id,
        state=row.state,
        badge=_ENDING if row.ended_at and not row.why else BADGES[State(row.state)],
        reason=STUCK.get(row.why, ""),
        place=_place(row),
        end_user=name or visitor_label(row.session),
        vendor=vendor_name(row.integration_key) or "No integration",
        environment=Environment(row.environment).label,
        requested_at=row.requested_at,
        joined_at=row.joined_at,
        ended_at=row.ended_at,
        last_by=spoken_by(row.last_type),
        last_at=row.last_at,
        last_text=row.last_text or "",
        undelivered=row.undelivered,
        worker=row.worker or "",
        is_worker_gone=row.why == "worker_gone",
    )


def _place(row: Shown) -> str:
    """Name the live agents who are there, else the queue."""
    present = [str(name) for name in row.live_agents.values() if name]
    return ", ".join(present) or str(row.queue_status.get("queue_name") or row.queue)
