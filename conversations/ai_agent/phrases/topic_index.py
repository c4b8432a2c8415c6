"""Rates topics by what words mean: how much of a message a topic covers, and how much of a phrase.

A rare word counts more than a common one (BM25's idf, over the topics); a word that no topic knows
counts against all of them.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from conversations.ai_agent.phrases.index import THRESHOLD
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
_NEAR_KEPT = 4096
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
        self._phrases = [(topic, frozenset(found)) for topic, found in read if found]
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
        self._count = topics
        self._topics: defaultdict[str, list[int]] = defaultdict(list)
        for topic, meant in by_topic.items():
            for one in meant:
                self._topics[one].append(topic)
        self._stems = [one for one in self._idf if one[0] != "=" and len(one) >= _MIN_FUZZY]
        # End users write any number of words that no topic knows.
        self._near = lru_cache(maxsize=_NEAR_KEPT)(self._nearest)

    def best(self, said: str, without: Collection[int] = ()) -> tuple[float, int]:
        """Return the best topic for a normalised message, as PhraseIndex does."""
        weights = self._weights(said)
        if not weights or not self._count:
            return 0.0, 0
        whole = sum(self._idf.get(one, UNKNOWN_WEIGHT * self._most) for one in weights)
        worth = {
            one: self._idf[one] * likeness for one, likeness in weights.items() if one in self._idf
        }
        of_message = self._of_message(worth)
        # What a phrase needs so that its topic can be the best, or so near that none is.
        bar = 2 * (THRESHOLD - MARGIN) - max(of_message, default=0.0) / whole - 1e-9
        covered = self._covered(worth, bar)
        ranked = heapq.nlargest(
            2,
            (
                ((of_message[topic] / whole + of_phrase) / 2, -topic)
                for topic, of_phrase in covered.items()
                if topic not in without
            ),
        )
        if not ranked or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < MARGIN):
            return 0.0, 0
        return ranked[0]

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
        return self._near(one)

    def _nearest(self, one: str) -> tuple[str, float]:
        stem = process.extractOne(
            one, self._stems, scorer=OSA.normalized_similarity, score_cutoff=MIN_LIKENESS
        )
        meaning = meaning_near(one)
        near = max(meaning[::-1], (stem[1], stem[0]) if stem else (0.0, ""))
        return (near[1], near[0]) if near[0] else (one, 1.0)

    def _of_message(self, worth: Mapping[str, float]) -> list[float]:
        """Return for each topic how much of a message its phrases cover."""
        found = [0.0] * self._count
        for one, weight in worth.items():
            for topic in self._topics[one]:
                found[topic] += weight
        return found

    def _covered(self, worth: Mapping[str, float], bar: float) -> dict[int, float]:
        """Return how much of its best phrase was said, for each topic where that is up to `bar`.

        Rare words come first. A phrase that has none of them cannot be brought to the bar by the
        common ones that are left, so it is never looked at.
        """
        found: defaultdict[int, float] = defaultdict(float)
        left = sum(worth.values())
        for one, weight in sorted(worth.items(), key=lambda pair: -self._idf[pair[0]]):
            holders = self._holders[one]
            if left >= bar * self._most:
                for number in holders:
                    found[number] += weight
            elif len(holders) <= len(found):
                for number in [number for number in holders if number in found]:
                    found[number] += weight
            else:
                for number in [number for number in found if one in self._phrases[number][1]]:
                    found[number] += weight
            left -= weight
        best: dict[int, float] = {}
        for number, said in found.items():
            share = said / self._sizes[number]
            topic = self._phrases[number][0]
            if share >= bar and share > best.get(topic, 0.0):
                best[topic] = share
        return best


def _meant(text: str) -> list[str]:
    return meanings(_telling(text.split()))


def _telling(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.isdigit() and folded(word) not in _FILLERS]
