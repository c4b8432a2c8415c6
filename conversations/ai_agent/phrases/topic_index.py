"""Rates topics by what words mean: how much of a message a topic covers, and how much of a phrase.

A rare word counts more than a common one (BM25's idf, over the topics); a word that no topic knows
counts against all of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from conversations.ai_agent.phrases.meanings import (
    MIN_LIKENESS,
    folded,
    meaning_near,
    meanings,
)
from conversations.ai_agent.phrases.words import FILLER_WORDS

UNKNOWN_WEIGHT = 0.5
# The best topic must be so much better than the next one.
MARGIN = 0.03
_MIN_FUZZY = 4
# Beside the fillers of all phrases: what only says that something is, was or is wanted.
_MORE_FILLERS = re.findall(
    r"\w+",
    """
    still got told tell im just any more our out up off them then than into was been does doing
    done has had ihr euch euer eure habt hab haben habe kann konnt konnen mal noch schon immer
    gibt gibts auch nur da dir werde wird wurde war werden worden etwas sich bei auf ab als so
    wenn ob am im vom zum zur an um aus nach uns unser me te nos hay sigo todavia ya muy mas
    tengo tienen tiene puedo pueden puede quiero quisiera he ha han hecho este esta esto que
    como cual cuales cuanto hasta desde sin sobre todo todos mucho ser son estan estoy seria
    """,
)
_FILLERS = frozenset({folded(word) for word in FILLER_WORDS} | set(_MORE_FILLERS))


class TopicMeanings:
    """The phrases of all topics, by what their words mean."""

    def __init__(self, phrases: Sequence[tuple[int, str]], topics: int) -> None:
        """Take (topic's place in the list, normalised phrase), and how many topics there are."""
        read = [(topic, _meant(text)) for topic, text in phrases]
        self._phrases = [(topic, found) for topic, found in read if found]
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        by_topic: defaultdict[int, set[str]] = defaultdict(set)
        for number, (topic, found) in enumerate(self._phrases):
            by_topic[topic].update(found)
            for one in found:
                self._holders[one].append(number)
        counts = Counter(one for found in by_topic.values() for one in found)
        self._most = math.log(1 + topics) if topics else 0.0
        self._idf = {one: math.log(1 + topics / count) for one, count in counts.items()}
        self._sizes = [
            max(sum(self._idf[one] for one in found), self._most) for _, found in self._phrases
        ]
        self._topics = by_topic
        self._stems = [one for one in self._idf if one[0] != "=" and len(one) >= _MIN_FUZZY]
        self._near: dict[str, tuple[str, float]] = {}

    def best(self, said: str) -> tuple[float, int]:
        """Return the best topic for a normalised message, as PhraseIndex does."""
        weights = self._weights(said)
        if not weights:
            return 0.0, 0
        whole = sum(self._idf.get(one, UNKNOWN_WEIGHT * self._most) for one in weights)
        covered = self._covered(weights)
        ranked = sorted(
            (
                (self._of_message(topic, weights) / whole + of_phrase) / 2
                for topic, of_phrase in covered.items()
            ),
            reverse=True,
        )
        if not ranked or (len(ranked) > 1 and ranked[0] - ranked[1] < MARGIN):
            return 0.0, 0
        best = max(
            covered,
            key=lambda topic: self._of_message(topic, weights) / whole + covered[topic],
        )
        return ranked[0], -best

    def _weights(self, said: str) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for one in _meant(said):
            known, likeness = self._known(one)
            found[known] = max(likeness, found.get(known, 0.0))
        return found

    def _known(self, one: str) -> tuple[str, float]:
        """Return what a word of a message is to the topics: itself, or one it may be a typo of."""
        if one in self._idf or one[0] == "=" or len(one) < _MIN_FUZZY:
            return one, 1.0
        if one not in self._near:
            stem = process.extractOne(
                one, self._stems, scorer=OSA.normalized_similarity, score_cutoff=MIN_LIKENESS
            )
            meaning = meaning_near(one)
            near = max(meaning[::-1], (stem[1], stem[0]) if stem else (0.0, ""))
            self._near[one] = (near[1], near[0]) if near[0] else (one, 1.0)
        return self._near[one]

    def _of_message(self, topic: int, weights: Mapping[str, float]) -> float:
        own = self._topics[topic]
        return sum(self._idf[one] * weight for one, weight in weights.items() if one in own)

    def _covered(self, weights: Mapping[str, float]) -> dict[int, float]:
        """Return how much of its best phrase was said, for each topic of which anything was."""
        found: defaultdict[int, float] = defaultdict(float)
        for one, weight in weights.items():
            for number in self._holders.get(one, ()):
                found[number] += self._idf[one] * weight
        best: dict[int, float] = {}
        for number, said in found.items():
            topic = self._phrases[number][0]
            best[topic] = max(best.get(topic, 0.0), said / self._sizes[number])
        return best


def _meant(text: str) -> list[str]:
    return meanings(_telling(text.split()))


def _telling(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.isdigit() and folded(word) not in _FILLERS]
