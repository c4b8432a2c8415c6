"""Messages that never reached the vendor: given up, and said so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from conversations.journal.frames import Level
from conversations.journal.services import NewEvent, events_append, system_event
from conversations.models import Conversation
from handoffs.lifecycle.deadlines import DELIVERY
from handoffs.lifecycle.notices import text_for
from handoffs.models import Delivery, Handoff
from integrations.telemetry.metrics import DELIVERIES_FAILED


def deliveries_are_pending(handoff: Handoff) -> bool:
    """Say whether a message still waits for its fate."""
    return Delivery.objects.filter(handoff=handoff, status=Delivery.Status.PENDING).exists()


def deliveries_taken(handoff: Handoff) -> QuerySet[Delivery]:
    """Return what the vendor has taken lately and nobody has acknowledged yet, newest first."""
    since = DELIVERY.past()
    rows = Delivery.objects.filter(handoff=handoff, status=Delivery.Status.SENT, sent_at__gt=since)
    return rows.order_by("-sequence")


def deliveries_give_up(
    handoff: Handoff, code: str, *, created_before: datetime | None = None
) -> list[NewEvent]:
    """Give up what is still pending, or the older part of it; return the lines that say so."""
    pending = Delivery.objects.filter(handoff=handoff, status=Delivery.Status.PENDING)
    if created_before is not None:
        pending = pending.filter(created_at__lt=created_before)
    return deliveries_fail(handoff, list(pending.order_by("sequence")), code)


def deliveries_abandon(handoff: Handoff, code: str) -> None:
    """Give up what is still pending when nothing is sent any more, and say so where one can."""
    lost = deliveries_give_up(handoff, code)
    if lost and handoff.conversation.state != Conversation.State.ENDED:
        events_append(handoff.conversation, lost)


def deliveries_fail(
    handoff: Handoff, rows: Sequence[Delivery], code: str, detail: str = ""
) -> list[NewEvent]:
    """Mark rows as failed; return the lines that say so. `detail` is the vendor's own reason."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Delivery.Status.FAILED, error_code=code, error_detail=detail[:400]
    )
    DELIVERIES_FAILED.labels(code).inc(len(rows))
    return [
        system_event(
            text_for(handoff, "not_delivered"),
            code="handoff_forward_failed",
            level=Level.WARNING,
            message_id=str(row.event_id),
        )
        for row in rows
    ]
