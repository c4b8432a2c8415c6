"""What the built-in AI agent keeps from turn to turn: an open question, misses, topics so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

TOPICS_KEPT = 10
# What is asked: agreement to a topic's offer, one of a topic's answers, agreement to a human, an
# argument of a tool.
CONFIRM, ANSWER, HUMAN, VALUE = "confirm", "answer", "human", "value"
SAID_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """`asks` is one of those above or empty, `topic` whose question it is.

    `waits` is what is carried out once a value is known, as topics/deciding.py writes it. `said`
    holds the arguments that the end user has given, in their words, for conv.entities.
    """

    asks: str = ""
    topic: str = ""
    has_asked_again: bool = False
    misses: int = 0
    wishes: int = 0
    topics: Sequence[str] = ()
    waits: Mapping[str, Any] = field(default_factory=dict, repr=False)
    said: Mapping[str, str] = field(default_factory=dict, repr=False)

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
        return replace(self.closed(), asks=what, topic=topic)

    def waiting(self, topic: str, waits: Mapping[str, Any]) -> Dialog:
        """Return it with a question for a value, and what is done once it is known."""
        return replace(self.asking(VALUE, topic), waits=dict(waits))

    def told(self, said: Mapping[str, str]) -> Dialog:
        """Return it with what the end user has given."""
        return replace(self, said=dict([*self.said.items(), *said.items()][-SAID_KEPT:]))

    def closed(self) -> Dialog:
        """Return it without an open question."""
        return replace(self, asks="", topic="", has_asked_again=False, waits={})
