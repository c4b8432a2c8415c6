"""Finds which of many phrases a message is about; built once, asked often."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from conversations.ai_agent.phrases.words import likeness, meaningful_words, trigrams

THRESHOLD = 0.5
# A typo of one letter in four still counts as the word; shorter words must be exact.
MIN_WORD_SIMILARITY = 0.75
MIN_FUZZY_LENGTH = 4
MIN_PHRASE_SIMILARITY = 0.8
CONTENT_WEIGHT = 0.55
WORDS_WEIGHT, PHRASE_SHARE, LIKENESS_WEIGHT = 0.85, 0.7, 0.15

# How well a topic matches, and its place in the list with a minus: the earlier one is greater.
Ranked = tuple[float, int]
NOTHING: Ranked = (0.0, 0)


@dataclass(frozen=True, slots=True)
class _Phrase:
    topic: int
    size: int
    pieces: set[str]


# For each word of a message: the words of the topics that it may be, and how like they are.
Likes = Mapping[str, Sequence[tuple[str, float]]]


class Vocabulary:
    """Every word of a project's topics."""

    def __init__(self, texts: Iterable[Iterable[str]]) -> None:
        """Take the words of each text."""
        self._words = {word for words in texts for word in words}
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        for word in sorted(self._words):
            self._by_length[len(word)].append(word)
        self._known: dict[str, list[tuple[str, float]]] = {}

    def likes(self, words: Iterable[str]) -> Likes:
        """Return for each word itself, if it is known, and the words it may be a typo of."""
        return {word: self._like(word) for word in words}

    def _like(self, word: str) -> list[tuple[str, float]]:
        """Search once for a word of the topics, and each time for one that is not."""
        if word in self._known:
            return self._known[word]
        found = [] if len(word) < MIN_FUZZY_LENGTH else self._near(word)
        if word in self._words:
            self._known[word] = found = [(word, 1.0), *found]
        return found

    def _near(self, word: str) -> list[tuple[str, float]]:
        shortest = max(MIN_FUZZY_LENGTH, int(len(word) * MIN_WORD_SIMILARITY))
        return [
            (other, score)
            for length in range(shortest, int(len(word) / MIN_WORD_SIMILARITY) + 1)
            for other, score, _ in process.extract(
                word,
                self._by_length.get(length, ()),
                scorer=OSA.normalized_similarity,
                score_cutoff=MIN_WORD_SIMILARITY,
                limit=None,
            )
        ]


def _holders(texts: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Say for each word in which texts it stands."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(texts):
        for word in words:
            found[word].append(number)
    return dict(found)


class PhraseIndex:
    """Phrases of topics; rates how much of a phrase was said, and how much else was."""

    def __init__(self, phrases: Sequence[tuple[int, str]]) -> None:
        """Take (topic's place in the list, normalised phrase)."""
        words = [meaningful_words(text) for _, text in phrases]
        self._words = [frozenset(said) for said in words]
        self._phrases = [
            _Phrase(topic, len(said), trigrams(text))
            for (topic, text), said in zip(phrases, words, strict=True)
        ]
        self._sizes = [phrase.size for phrase in self._phrases]
        # By word, the shorter ones first.
        self._holders = {
            word: sorted(numbers, key=self._sizes.__getitem__)
            for word, numbers in _holders(words).items()
        }
        self._wordless = [phrase for phrase in self._phrases if not phrase.size]

    def best(self, said: str, likes: Likes, without: Collection[int] = ()) -> Ranked:
        """Return the best topic for a normalised message and its words, `without` some.

        What stays below THRESHOLD may be anything below it: nobody is asked for that.
        """
        pieces = trigrams(said)
        alike = self._alike(pieces, has_words=bool(likes))
        best = max((one for one in alike if -one[1] not in without), default=NOTHING)
        if not likes:
            return best
        bars = self._bars(len(likes))
        found = self._found(likes, bars)
        sizes, count = self._sizes, len(likes)
        near = [number for number, held in found.items() if held >= bars[sizes[number]]]
        for number in near:
            phrase, held = self._phrases[number], found[number]
            if phrase.topic in without:
                continue
            of_phrase, of_said = held / phrase.size, held / max(count, held)
            score = WORDS_WEIGHT * (PHRASE_SHARE * of_phrase + (1 - PHRASE_SHARE) * of_said)
            # The likeness is only worth its price where it can still decide.
            if score + LIKENESS_WEIGHT >= max(THRESHOLD, best[0]):
                score += LIKENESS_WEIGHT * likeness(pieces, phrase.pieces)
                best = max(best, (score, -phrase.topic))
        return best

    def _bars(self, count: int) -> list[float]:
        """Return for each size of a phrase how many of its words must be said to decide anything.

        A little less, so that no rounding shuts out what stands on the threshold.
        """
        needed = (THRESHOLD - LIKENESS_WEIGHT) / WORDS_WEIGHT - 1e-9
        return [0.0] + [
            needed / (PHRASE_SHARE / size + (1 - PHRASE_SHARE) / count)
            for size in range(1, max(self._sizes, default=0) + 1)
        ]

    def _found(self, likes: Likes, bars: Sequence[float]) -> Mapping[int, float]:
        """Count each phrase's words that were said; a misspelt one counts by its likeness.

        Words that many phrases hold come last: a phrase that has none of the words before cannot
        reach its bar by them alone, unless it is short.
        """
        weights: dict[str, float] = {}
        for near in likes.values():
            for known, weight in near:
                weights[known] = max(weight, weights.get(known, 0.0))
        known_here = [one for one in weights if one in self._holders]
        known_here.sort(key=lambda one: len(self._holders[one]))
        found: defaultdict[int, float] = defaultdict(float)
        for place, word in enumerate(known_here):
            numbers, weight = self._holders[word], weights[word]
            # The longest phrase that this word and those behind it can still bring to its bar.
            longest = bisect_right(bars, len(known_here) - place) - 1
            begun = bisect_right(numbers, longest, key=self._sizes.__getitem__)
            for number in numbers[:begun]:
                found[number] += weight
            for number in self._among(found, word, numbers, begun, longest):
                found[number] += weight
        return found

    def _among(
        self, found: Mapping[int, float], word: str, numbers: list[int], begun: int, longest: int
    ) -> list[int]:
        """Return which of the longer phrases found so far hold a word, the cheaper way."""
        if len(numbers) - begun <= len(found):
            return [number for number in numbers[begun:] if number in found]
        sizes, words = self._sizes, self._words
        return [n for n in found if sizes[n] > longest and word in words[n]]

    def _alike(self, pieces: set[str], *, has_words: bool) -> Iterator[Ranked]:
        """Compare letter by letter where one of the two has no meaningful word."""
        for phrase in self._wordless if has_words else self._phrases:
            sizes = sorted((len(pieces), len(phrase.pieces)))
            if 2 * sizes[0] < MIN_PHRASE_SIMILARITY * sum(sizes):
                continue
            score = likeness(pieces, phrase.pieces)
            if score >= MIN_PHRASE_SIMILARITY:
                yield score, -phrase.topic


class ContentIndex:
    """What topics answer; two words of it count, and less than a phrase."""

    def __init__(self, contents: Iterable[Iterable[str]]) -> None:
        """Take the words of each topic's content, in the order of the topics."""
        self._whole = {
            word: dict.fromkeys(topics, 1.0) for word, topics in _holders(contents).items()
        }

    def best(self, likes: Likes, without: Collection[int] = ()) -> Ranked:
        """Return the topic whose content holds most of the words, `without` some.

        What stays below THRESHOLD may be anything below it: it takes nearly all of the words, so
        the topics of the rarest ones are all that are looked at.
        """
        held = sorted((self._weights(near) for near in likes.values()), key=len)
        bearable = len(held) - math.ceil((THRESHOLD - 1e-9) / CONTENT_WEIGHT * len(held))
        found: dict[int, float] = {}
        for weights in held[: bearable + 1]:
            found |= dict.fromkeys(weights, 0.0)
        for weights in held:
            for topic in found.keys() & weights.keys():
                found[topic] += weights[topic]
        ranked = (
            (CONTENT_WEIGHT * count / len(likes), -topic)
            for topic, count in found.items()
            if count >= 2 and topic not in without
        )
        return max(ranked, default=NOTHING)

    def _weights(self, near: Sequence[tuple[str, float]]) -> Mapping[int, float]:
        if len(near) == 1 and near[0][1] == 1.0:
            return self._whole.get(near[0][0], {})
        weights: dict[int, float] = {}
        for known, weight in near:
            for topic in self._whole.get(known, ()):
                weights[topic] = max(weight, weights.get(topic, 0.0))
        return weights
