"""What a turn is made of, whoever answers: messages, lines for the log, effects on conv."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLog:
    """A line for the project's log."""

    level: str
    content: str
    source: str
    code: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    is_pii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """A text, and what else its line in the journal holds: suggestions, attachments, calls.

    It has an `id` where it was shown before, while it was growing.
    """

    text: str = field(repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: uuid.UUID | None = None


def texts_said(*texts: str) -> list[AgentMessage]:
    """Return messages that are texts and nothing else."""
    return [AgentMessage(text=text) for text in texts]
