"""When somebody looks at a handoff again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from handoffs.models import Handoff

# How long before the end a silent end user is warned.
WARNING_SECONDS = 60


def wait_message_at(handoff: Handoff) -> datetime | None:
    """Return when the next waiting message is due; None where none is wanted."""
    behaviour = handoff.behaviour
    if behaviour.queue_messages == "off":
        return None
    return timezone.now() + timedelta(seconds=behaviour.queue_message_interval_seconds)


def silence(handoff: Handoff) -> timedelta | None:
    """Return the silence after which a handoff is closed; None where it never is."""
    minutes = handoff.behaviour.inactivity_minutes
    return timedelta(minutes=minutes) if minutes else None


def warning_lead(limit: timedelta) -> timedelta:
    """Return how long before the end the warning comes: never more than half the silence."""
    return min(timedelta(seconds=WARNING_SECONDS), limit / 2)


def silence_check_at(handoff: Handoff) -> datetime | None:
    """Return when to look for the first time whether the end user has gone silent."""
    limit = silence(handoff)
    return timezone.now() + limit - warning_lead(limit) if limit else None
