"""What a relay worker would give up itself, for the time in which none is there to do it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from conversations.journal.services import events_append
from conversations.models import Conversation
from handoffs.clocks.sweeping import SWEEP_BATCH, each
from handoffs.lifecycle.deadlines import DELIVERY, NO_WORKER
from handoffs.lifecycle.deliveries import deliveries_abandon, deliveries_give_up
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.services import session_end
from handoffs.models import Delivery, Handoff

_CODE = "cannot_connect"


def overdue_reap() -> None:
    """Give up messages and ends whose deadline passed while nobody served their handoff."""
    now = timezone.now()
    limit = now - _limit()
    pending = Delivery.objects.filter(status=Delivery.Status.PENDING, created_at__lt=limit)
    each(deliveries_reap, set(pending.values_list("handoff_id", flat=True)[:SWEEP_BATCH]))
    closing = Handoff.objects.filter(
        vendor_end_until__isnull=False,
        ended_at__lt=limit,
        conversation__state=Conversation.State.CLOSING,
    )
    each(closing_reap, list(closing.values_list("pk", flat=True)[:SWEEP_BATCH]))
    unended = Handoff.objects.filter(vendor_end_until__lt=NO_WORKER.past())
    each(vendor_end_reap, list(unended.values_list("pk", flat=True)[:SWEEP_BATCH]))


def _limit() -> timedelta:
    """The session that owns a handoff judges first: it knows whether a call is under way."""
    return DELIVERY.after + NO_WORKER.after


def deliveries_reap(handoff_id: str) -> None:
    """Show a handoff's overdue messages as not delivered; younger ones keep their chance."""
    with handoff_locked(handoff_id) as handoff:
        lost = deliveries_give_up(handoff, _CODE, created_before=timezone.now() - _limit())
        if lost and handoff.conversation.state != Conversation.State.ENDED:
            events_append(handoff.conversation, lost)
        session_end(handoff)


def closing_reap(handoff_id: str) -> None:
    """Write SESSION_END where nobody could find out in time what became of the last lines."""
    with handoff_locked(handoff_id) as handoff:
        if handoff.conversation.state == Conversation.State.CLOSING:
            deliveries_abandon(handoff, _CODE)
            session_end(handoff, is_settled=True)


def vendor_end_reap(handoff_id: str) -> None:
    """Stop trying to tell a vendor that a conversation is over."""
    with handoff_locked(handoff_id) as handoff:
        until = handoff.vendor_end_until
        if until is None or until > NO_WORKER.past():
            return
        if not handoff.is_open:  # else it is the first of two vendors that was to be told
            deliveries_abandon(handoff, "conversation_gone")
            session_end(handoff, is_settled=True)
        handoff.vendor_end_until = None
        handoff_save(handoff, ["vendor_end_until"])
