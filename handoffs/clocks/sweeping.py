"""Find work whose wake-up was lost."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from handoffs.models import Handoff
from handoffs.relay.leases import UNFINISHED
from handoffs.starting.turns import turns_waiting

LOST_AFTER = timedelta(seconds=3)
BATCH = 500
WAKE_UPS = 20


def handoffs_unowned() -> list[str]:
    """Return open handoffs that nobody has taken yet."""
    before = timezone.now() - LOST_AFTER
    found = Handoff.objects.filter(UNFINISHED, owner=None, requested_at__lt=before)
    return list(found.values_list("pk", flat=True)[:BATCH])


def answers_lost() -> list[str]:
    """Return conversations whose end user waits for the AI agent for too long, and nobody is at it.

    A few are enough: whoever takes one of these turns goes on to the others.
    """
    found = turns_waiting().filter(answer_due_at__lt=timezone.now() - LOST_AFTER)
    return list(found.order_by("answer_due_at").values_list("pk", flat=True)[:WAKE_UPS])
