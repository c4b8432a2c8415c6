"""Whether a project's AI agent speaks in pieces, and the pieces as clients get them."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.models import OutsideAgent

# A model is heard while it speaks, unless an option forbids it; an agent that drives by itself
# where an option says that it does so.
STREAMING_KIND, ASKS_WHOLE = "openai", "asks_whole"
DRIVING_KIND, SENDS_PIECES = "api", "sends_pieces"


def project_streams(project_id: int) -> bool:
    """Say whether a client that wants to see texts grow will see it."""
    agent = OutsideAgent.objects.filter(project_id=project_id).first()
    if agent is None:
        return False
    if agent.kind == DRIVING_KIND:
        return bool(agent.options.get(SENDS_PIECES))
    return agent.kind == STREAMING_KIND and not agent.options.get(ASKS_WHOLE)


def chunk_payload(
    message_id: uuid.UUID, piece: str, index: int, *, is_last: bool
) -> dict[str, Any]:
    """Return one piece of a message as clients get it (agent_api 11.2)."""
    return {
        "message_id": str(message_id),
        "text": piece,
        "attachments": [],
        "response_suggestions": [],
        "chunk_index": index,
        "is_complete": is_last,
    }


class Chunks:
    """Shows one turn's texts while they grow; losing a piece is harmless, the journal has all."""

    def __init__(self, conversation_id: str) -> None:
        """Begin with no message."""
        self._conversation_id = conversation_id
        self._shown: Counter[uuid.UUID] = Counter()

    def show(self, message_id: uuid.UUID, piece: str, is_last: bool) -> None:
        """Show the next piece of a message; called on the loop of the turn."""
        self._shown[message_id] += 1
        payload = chunk_payload(message_id, piece, self._shown[message_id], is_last=is_last)
        frame = transient_frame(EventType.POLY_AGENT_MESSAGE_CHUNK, payload)
        publish.transient_show(self._conversation_id, frame)
