"""When the AI agent hands off by itself: what an admin has chosen, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.ai_agent.topics.rules import Facts, holds
from integrations.models import Project

OFF, QUICK, BALANCED, AI_FIRST = "off", "quick", "balanced", "ai_first"
LEVELS: Mapping[str, str] = {
    OFF: "AI only: never by itself; a wish for a human is declined",
    QUICK: "Quick: at once",
    BALANCED: "Balanced: asks first whether a human is wanted",
    AI_FIRST: "AI first: asks what it is about, and hands off when the wish is repeated",
}
MISSES, MISSES_MAX, RULES_MAX = 2, 10, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPolicy:
    """A project's choice; `rules` are {condition, destination}, the first that holds counts.

    `misses` messages in a row that no topic matches are a reason to hand off; 0 means never.
    """

    level: str = QUICK
    on_wish: bool = True
    on_anger: bool = True
    misses: int = MISSES
    rules: Sequence[Mapping[str, Any]] = ()

    @property
    def misses_borne(self) -> int:
        """Return how many misses in a row hand off; 0 where none do."""
        return 0 if self.level == OFF else self.misses * (2 if self.level == AI_FIRST else 1)

    def destination(self, facts: Facts) -> str:
        """Return where to hand off in this context; empty is the default destination."""
        found = (str(one["destination"]) for one in self.rules if holds(one["condition"], facts))
        return next(found, "")


def policy_of(project: Project) -> TriggerPolicy:
    """Return a project's policy; what it does not say is as it is by default."""
    stored = {name: value for name, value in project.trigger_policy.items() if name in _NAMES}
    return TriggerPolicy(**stored)


_NAMES = frozenset(TriggerPolicy.__dataclass_fields__)
