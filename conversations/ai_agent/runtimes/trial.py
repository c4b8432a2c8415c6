"""What a test turn brought, as the page shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.outside.agent import AgentAnswer, AgentFailedError
from conversations.ai_agent.runtimes.cures import cure_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTurn:
    """What came back, and how long it took."""

    said: str = field(repr=False)
    milliseconds: int
    answer: AgentAnswer | None = field(default=None, repr=False)
    error: AgentFailedError | None = None

    @property
    def cure(self) -> tuple[str, str]:
        """Return cause and cure of a failure."""
        return cure_of(self.error.code if self.error else "")

    @property
    def answered(self) -> dict[str, Any]:
        """Return an answer as rows of text."""
        answer = self.answer or AgentAnswer()
        offers = {name: value for m in answer.messages for name, value in m.extra.items() if value}
        return {
            "texts": [message.text for message in answer.messages if message.text],
            "offers": _shown(offers),
            "returned": _shown(answer.returned),
            "state": _shown(answer.state),
            "logs": answer.logs,
            "has_hung_up": answer.has_hung_up,
            "comes_later": answer.comes_later,
        }


def _shown(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
