"""What a message leads to, as it was decided and before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.topics.actions import TopicAction
from conversations.ai_agent.topics.dialog import Dialog
from conversations.models import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to say, which actions to carry out in order, and how the dialog stands then.

    `tools` have all their arguments by name. `handoff` is what a tool would return under that key;
    it begins when the tools have run. `offers` are answers to choose from.
    """

    says: Sequence[str] = field(default=(), repr=False)
    offers: Sequence[str] = ()
    tools: Sequence[TopicAction] = ()
    handoff: Mapping[str, Any] | bool | None = field(default=None, repr=False)
    goes_to_flow: str = ""
    topic: Topic | None = None
    score: float = 0.0
    why: str = ""
    dialog: Dialog = field(default_factory=Dialog)

    @property
    def is_miss(self) -> bool:
        """Say whether nothing was understood."""
        return self.why == "no_match"
