"""How many messages of one conversation may wait, and how many turns a minute holds.

Whoever meets a bound is told so, with the message's own metadata; the message is not journaled.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from conversations.errors import RateLimitedError
from conversations.journal.selectors import messages_unanswered
from conversations.models import Conversation
from handoffs.models import Delivery, Handoff

MINUTE = timedelta(minutes=1)
# Sixtieths of a minute do not add up to a minute exactly.
ROUNDING = timedelta(milliseconds=1)


def ai_agent_admit(conversation: Conversation) -> None:
    """Book a turn of the AI agent in a locked conversation; the caller saves what was booked.

    Raises RateLimitedError. A minute's turns may be used at once; then they come back one by one.
    `handoffs/sending/to_ai_agent.py` says the same in SQL.
    """
    most = settings.AI_AGENT_MESSAGES_WAITING
    if messages_unanswered(conversation).order_by()[:most].count() >= most:
        raise RateLimitedError("ai_agent_is_behind", number=most)
    now, number = timezone.now(), settings.AI_AGENT_TURNS_PER_MINUTE
    booked = max(conversation.turns_booked_until or now, now) + MINUTE / number
    if booked > now + MINUTE + ROUNDING:
        raise RateLimitedError("messages_a_minute", number=number)
    conversation.turns_booked_until = booked


def live_agent_admit(handoff: Handoff) -> None:
    """Raise RateLimitedError where the vendor has too many messages to take first.

    The caller holds the conversation's lock. `handoffs/sending/hot_path.py` says the same in SQL.
    """
    most = settings.LIVE_AGENT_MESSAGES_WAITING
    pending = Delivery.objects.filter(handoff=handoff, status=Delivery.Status.PENDING)
    if pending.order_by()[:most].count() >= most:
        raise RateLimitedError("live_agent_is_behind", number=most)
