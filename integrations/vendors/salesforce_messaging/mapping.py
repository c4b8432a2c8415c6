"""What opens a conversation of the Enhanced Chat API, and how long a text may be there."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.kit.conversation_entries.answers import stable_id
from integrations.kit.json_values import json_text

# Requests above 8 KB are refused by one account; what is around the text needs some room.
_BODY_BYTES = 7500
_MAX_TEXT_BYTES = 7000
_MIN_TEXT_BYTES = 1000


def conversation_id_for(handoff_id: str) -> str:
    """Return the id under which a handoff's conversation exists in Salesforce."""
    return stable_id("salesforce_messaging", "conversation", handoff_id)


def session_opening(attributes: Mapping[str, str], language: str) -> dict[str, object]:
    """Return what a message carries that opens a session; the language only where it is known."""
    opening: dict[str, object] = {"routingAttributes": dict(attributes)}
    return opening | ({"language": language} if language else {})


def text_limit(opening: Mapping[str, object]) -> int:
    """Return how long a text may be, as JSON, beside what opens a session."""
    room = _BODY_BYTES - len(json_text(opening).encode())
    return max(min(room, _MAX_TEXT_BYTES), _MIN_TEXT_BYTES)
