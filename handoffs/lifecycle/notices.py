"""What the end user reads about a handoff: short, plain, never technical."""

from __future__ import annotations

import math
from dataclasses import asdict

from handoffs.models import Handoff
from integrations.behaviour.responses import response_text
from integrations.behaviour.sentences import sentence
from integrations.behaviour.settings import Behaviour, behaviour_of


def text_for(handoff: Handoff, key: str, **values: object) -> str:
    """Return a sentence as the handoff's integration words it, or in the end user's language."""
    own, tongue = (
        {**_first_words(handoff), **_own_words(handoff.behaviour)},
        handoff.conversation.tongue,
    )
    return response_text(own, key, tongue, **{"agent_name": handoff.agent_name, **values})


def _own_words(behaviour: Behaviour) -> dict[str, object]:
    return {name: value for name, value in asdict(behaviour).items() if value}


def _first_words(handoff: Handoff) -> dict[str, object]:
    """Return how the integration words things where the handoff began, before its fallback.

    The admin who set its fallback has worded there what becomes of it, such as a ticket.
    """
    past = (
        handoff.past_attempts.select_related("integration").first() if handoff.attempt > 1 else None
    )
    return _own_words(behaviour_of(past.integration)) if past and past.integration else {}


def has_own_text(handoff: Handoff, key: str) -> bool:
    """Say whether the integration words a standard response itself."""
    return bool(getattr(handoff.behaviour, f"response_{key}"))


def text_about(handoff: Handoff, key: str, name: str) -> str:
    """Return a sentence about a live agent whose name the vendor may not have told."""
    found = key if name else f"{key}_unnamed"
    return sentence(found, handoff.conversation.tongue, name=name)


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
