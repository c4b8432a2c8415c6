"""What an end user reads while waiting, and when somebody looks at a handoff again."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import datetime, timedelta

from django.utils import timezone

from handoffs.models import Handoff
from integrations.behaviour.responses import response_text

# How long before the end a silent end user is warned.
WARNING_SECONDS = 60


def text_for(handoff: Handoff, key: str, **values: object) -> str:
    """Return a standard response as the handoff's integration words it."""
    return response_text(
        asdict(handoff.behaviour), key, **{"agent_name": handoff.agent_name, **values}
    )


def has_own_text(handoff: Handoff, key: str) -> bool:
    """Say whether the integration words a standard response itself."""
    return bool(getattr(handoff.behaviour, f"response_{key}"))


def wait_message_at(handoff: Handoff) -> datetime | None:
    """Return when the next waiting message is due; None where none is wanted."""
    behaviour = handoff.behaviour
    if behaviour.queue_messages == "off":
        return None
    return timezone.now() + timedelta(seconds=behaviour.queue_message_interval_seconds)


def wait_text(handoff: Handoff) -> str:
    """Return the waiting message as things stand: place or time where known, else a text."""
    mode, status = handoff.behaviour.queue_messages, handoff.queue_status
    position, wait = status.get("position_in_queue"), status.get("estimated_wait_seconds")
    known = []
    if position is not None and mode != "time":
        known.append(text_for(handoff, "wait_position", queue_position=position))
    elif wait is not None and mode != "position":
        minutes = max(1, math.ceil(wait / 60))
        known.append(text_for(handoff, "wait_time", wait_minutes=minutes))
    if mode == "standard" or not known:
        known.insert(0, text_for(handoff, "wait_update"))
    return " ".join(known)


def shows_wait_text(handoff: Handoff) -> bool:
    """Say whether news of the queue changes what the end user reads."""
    mode = handoff.behaviour.queue_messages
    return mode in ("position", "time") or "display_message" in handoff.queue_status


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
