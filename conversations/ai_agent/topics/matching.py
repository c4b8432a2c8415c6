"""Picks the topic an end user's message is about, the same way every time and without a model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conversations.ai_agent.phrases.index import (
    NOTHING,
    THRESHOLD,
    ContentIndex,
    PhraseIndex,
    Vocabulary,
)
from conversations.ai_agent.phrases.moods import is_small_talk
from conversations.ai_agent.phrases.refusals import A_HUMAN, Request, request_read
from conversations.ai_agent.phrases.topic_index import TopicMeanings
from conversations.ai_agent.phrases.wishes import wants_human
from conversations.ai_agent.phrases.words import meaningful_words, normalise, shortened

__all__ = ["THRESHOLD", "TopicIndex", "TopicMatch", "TopicText", "normalise", "topic_match"]

MAX_CONTENT_CHARS = 4000
_HUMAN = (A_HUMAN,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicText:
    """What matching needs of a topic."""

    id: Any
    name: str
    example_queries: Sequence[str] = ()
    content: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMatch:
    """The topic chosen; `score` is 1.0 for an exact trigger and at least THRESHOLD otherwise."""

    topic_id: Any
    score: float
    is_exact: bool


class TopicIndex:
    """A project's topics, prepared: building it is dear, asking it is cheap."""

    def __init__(self, topics: Sequence[TopicText]) -> None:
        """Prepare the enabled topics; of two that match alike the earlier one wins."""
        enabled = [topic for topic in topics if topic.enabled]
        self._ids = [topic.id for topic in enabled]
        self._exact: dict[str, int] = {}
        self._phrases = [
            (place, phrase)
            for place, topic in enumerate(enabled)
            for phrase in (topic.name, *topic.example_queries)
        ]
        phrases = [(place, request_read(phrase)) for place, phrase in self._phrases]
        for place, phrase in phrases:
            self._exact.setdefault(phrase.whole, place)
        contents = [
            meaningful_words(normalise(shortened(topic.content, MAX_CONTENT_CHARS)))
            for topic in enabled
        ]
        self._vocabulary = Vocabulary(
            [*contents, *(meaningful_words(phrase.whole) for _, phrase in phrases), _HUMAN]
        )
        self._asking = PhraseIndex([(at, one.asked) for at, one in phrases if not one.refuses])
        self._refusing = PhraseIndex([(at, one.whole) for at, one in phrases if one.refuses])
        self._contents = ContentIndex(contents)
        asked = [(at, one.asked) for at, one in phrases if not one.refuses]
        self._meanings = TopicMeanings(asked, len(enabled))

    def match(self, text: str, *, without: Collection[Any] = ()) -> TopicMatch | None:
        """Return the best matching topic, or None; `without` are ids that do not count now."""
        said = request_read(text)
        if not said.whole:
            return None
        out = frozenset(place for place, one in enumerate(self._ids) if one in without)
        if said.whole in self._exact and self._exact[said.whole] not in out:
            topic_id = self._ids[self._exact[said.whole]]
            return TopicMatch(topic_id=topic_id, score=1.0, is_exact=True)
        score, place = self._best(said, out)
        if score < THRESHOLD:
            return None
        return TopicMatch(topic_id=self._ids[-place], score=score, is_exact=False)

    @cached_property
    def for_humans(self) -> list[Any]:
        """Return the topics that somebody asks for who wishes for a human, in their order."""
        found = (self._ids[at] for at, phrase in self._phrases if wants_human(phrase))
        return list(dict.fromkeys(found))

    def _best(self, said: Request, without: Collection[int]) -> tuple[float, int]:
        """Compare what is asked for, and only phrases that refuse with what is refused too."""
        asked = whole = self._vocabulary.likes(meaningful_words(said.asked))
        if said.refuses:
            whole = self._vocabulary.likes(meaningful_words(said.whole))
        return max(
            self._asking.best(said.asked, asked, without),
            self._refusing.best(said.whole, whole, without),
            self._contents.best(asked, without),
            NOTHING if is_small_talk(said.whole) else self._meanings.best(said.asked, without),
        )


def topic_match(text: str, topics: Sequence[TopicText]) -> TopicMatch | None:
    """Return the best matching enabled topic, the earlier one if two match alike, or None."""
    return TopicIndex(topics).match(text)
