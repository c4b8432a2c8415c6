"""Find work whose wake-up was lost, and answers that never came; go through what is found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.db.models.functions import Now

from conversations.models import Conversation
from handoffs.lifecycle.deadlines import LOST_WAKE_UP
from handoffs.models import Handoff
from handoffs.relay.leases import UNFINISHED
from handoffs.starting.turns.claims import turns_waiting
from integrations.credentials.fields import DecryptionError

logger = logging.getLogger(__name__)
# So many at a time; the next sweep goes on.
SWEEP_BATCH = 500
WAKE_UPS = 20


def each(act: Callable[[str], object], ids: Iterable[str]) -> None:
    """Act on each in turn; one that is gone by then, or cannot be read, holds up no other."""
    for one in ids:
        try:
            act(one)
        except (Conversation.DoesNotExist, Handoff.DoesNotExist):
            continue
        except DecryptionError:
            logger.error("%s cannot be read: the key that it was encrypted with is missing", one)


def handoffs_unowned() -> list[str]:
    """Return open handoffs that nobody has taken yet."""
    found = Handoff.objects.filter(UNFINISHED, owner=None, requested_at__lt=LOST_WAKE_UP.past())
    return list(found.values_list("pk", flat=True)[:SWEEP_BATCH])


def answers_lost() -> list[str]:
    """Return conversations whose end user waits for the AI agent for too long, and nobody is at it.

    A few are enough: whoever takes one of these turns goes on to the others.
    """
    found = turns_waiting().filter(answer_due_at__lt=LOST_WAKE_UP.past())
    return list(found.order_by("answer_due_at").values_list("pk", flat=True)[:WAKE_UPS])


def promises_broken() -> list[str]:
    """Return conversations whose outside agent was to answer later, and has not."""
    found = Conversation.objects.filter(
        state=Conversation.State.BOT, answer_promised_until__lt=Now(), answer_due_at=None
    )
    return list(found.order_by("answer_promised_until").values_list("pk", flat=True)[:SWEEP_BATCH])
