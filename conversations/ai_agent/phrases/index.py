"""Finds which of many phrases a message is about; built once, asked often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        self._holders = _holders(words)
        self._phrases = [
            _Phrase(topic, len(said), trigrams(text))
            for (topic, text), said in zip(phrases, words, strict=True)
        ]
        self._wordless = [phrase for phrase in self._phrases if not phrase.size]

    def best(self, said: str, likes: Likes) -> Ranked:
        """Return the best topic for a normalised message and its words."""
        pieces = trigrams(said)
        best = max(self._alike(pieces, has_words=bool(likes)), default=NOTHING)
        for number, found in self._found(likes).items():
            phrase = self._phrases[number]
            of_phrase, of_said = found / phrase.size, found / max(len(likes), found)
            score = WORDS_WEIGHT * (PHRASE_SHARE * of_phrase + (1 - PHRASE_SHARE) * of_said)
            # The likeness is only worth its price where it can still decide.
            if score + LIKENESS_WEIGHT >= max(THRESHOLD, best[0]):
                score += LIKENESS_WEIGHT * likeness(pieces, phrase.pieces)
                best = max(best, (score, -phrase.topic))
        return best

    def _found(self, likes: Likes) -> Mapping[int, float]:
        """Count each phrase's words that were said; a misspelt one counts by its likeness."""
        weights: dict[str, float] = {}
        for near in likes.values():
            for known, weight in near:
                weights[known] = max(weight, weights.get(known, 0.0))
        found: defaultdict[int, float] = defaultdict(float)
        for known, weight in weights.items():
            for number in self._holders.get(known, ()):
                found[number] += weight
        return found

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
        self._holders = _holders(contents)

    def best(self, likes: Likes) -> Ranked:
        """Return the topic whose content holds most of the words."""
        found: defaultdict[int, float] = defaultdict(float)
        for near in likes.values():
            for topic, weight in self._weights(near).items():
                found[topic] += weight
        ranked = (
            (CONTENT_WEIGHT * count / len(likes), -topic)
            for topic, count in found.items()
            if count >= 2
        )
        return max(ranked, default=NOTHING)

    def _weights(self, near: Sequence[tuple[str, float]]) -> dict[int, float]:
        weights: dict[int, float] = {}
        for known, weight in near:
            for topic in self._holders.get(known, ()):
                weights[topic] = max(weight, weights.get(topic, 0.0))
        return weights
