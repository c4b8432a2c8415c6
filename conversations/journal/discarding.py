"""Blacken what was said in a conversation of which nothing may be kept."""

from __future__ import annotations

from conversations.journal.selectors import SPEAKERS
from conversations.models import Conversation, Event

DISCARDED = "[discarded]"


def texts_discard(conversation: Conversation) -> None:
    """Replace every text of the journal; who spoke, and when, stays."""
    lines = list(Event.objects.filter(conversation=conversation, type__in=SPEAKERS))
    for line in lines:
        kept = {
            key: value
            for key, value in line.payload.items()
            if key in ("message_id", "agent_id", "level", "code")
        }
        name = "message" if "message" in line.payload else "text"
        line.payload = {**kept, name: DISCARDED, "attachments": []}
    Event.objects.bulk_update(lines, ["payload"], batch_size=200)
