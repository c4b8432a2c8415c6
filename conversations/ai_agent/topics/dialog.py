"""What the built-in AI agent keeps from turn to turn: an open question, misses, topics so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

TOPICS_KEPT = 10
# What is asked: agreement to a topic's offer, one of a topic's answers, agreement to a human.
CONFIRM, ANSWER, HUMAN = "confirm", "answer", "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """`asks` is one of the three above or empty, `topic` whose question it is."""

    asks: str = ""
    topic: str = ""
    has_asked_again: bool = False
    misses: int = 0
    wishes: int = 0
    topics: Sequence[str] = ()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Dialog:
        """Return what `stored` has written; what it does not name has its default."""
        known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        return cls(**known)

    def stored(self) -> dict[str, Any]:
        """Return what is worth keeping."""
        return {name: value for name, value in asdict(self).items() if value}

    def about(self, topic: str) -> Dialog:
        """Return it with a topic that was understood: no miss, and nothing open."""
        kept = [name for name in self.topics if name != topic]
        return replace(self.closed(), misses=0, topics=[*kept, topic][-TOPICS_KEPT:])

    def asking(self, what: str, topic: str = "") -> Dialog:
        """Return it with a question that the next message may answer."""
        return replace(self, asks=what, topic=topic, has_asked_again=False)

    def closed(self) -> Dialog:
        """Return it without an open question."""
        return replace(self, asks="", topic="", has_asked_again=False)
