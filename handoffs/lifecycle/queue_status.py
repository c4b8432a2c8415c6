"""What an end user is shown of a vendor's queue, whoever tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.webhooks.event_types import WebhookType
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.notices import shows_wait_text, wait_text
from handoffs.lifecycle.webhooks import handoff_tell
from handoffs.models import Handoff
from handoffs.states import State

_PLACE, _WAIT = "position_in_queue", "estimated_wait_seconds"


class NotWaitingError(Exception):
    """Nobody waits: a live agent has joined, or the handoff is over."""


def queue_show(handoff: Handoff, status: Mapping[str, Any]) -> None:
    """Put a status on a locked handoff that waits, and show it; saves nothing."""
    handoff.queue_status = dict(status)
    if shows_wait_text(handoff):
        handoff.queue_status["display_message"] = wait_text(handoff)
    frame = transient_frame(EventType.HANDOFF_QUEUE_STATUS, handoff.queue_status)
    publish.transient_publish(handoff.conversation_id, frame)
    handoff_tell(
        handoff, WebhookType.HANDOFF_QUEUE_UPDATED, queue_status=dict(handoff.queue_status)
    )


def queue_update(
    handoff_id: str, *, unit: str, amount: int | None, queue_name: str
) -> dict[str, Any]:
    """Take what another system knows of a queue: a place, seconds, or that nothing is known.

    Raises NotWaitingError.
    """
    with handoff_locked(handoff_id) as handoff:
        if not handoff.is_open or State(handoff.state) is State.ACTIVE:
            raise NotWaitingError("Nobody waits in this handoff any more.")
        status = {k: v for k, v in handoff.queue_status.items() if k not in (_PLACE, _WAIT)}
        if unit != "unknown":
            status[_PLACE if unit == "position" else _WAIT] = amount
        if queue_name:
            status["queue_name"] = queue_name
        queue_show(handoff, status)
        handoff_save(handoff, ["queue_status"])
        return dict(handoff.queue_status)
