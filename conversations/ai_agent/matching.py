"""Picks the topic an end user's message is about, the same way every time and without a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import OSA

THRESHOLD = 0.5
# A typo of one letter in four still counts as the word; shorter words must be exact.
MIN_WORD_SIMILARITY = 0.75
MIN_FUZZY_LENGTH = 4
MIN_PHRASE_SIMILARITY = 0.8
CONTENT_WEIGHT = 0.55
MAX_TEXT_CHARS = 500
MAX_CONTENT_CHARS = 4000

# Words that say nothing about the topic, of the languages most chats are in.
FILLER_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about an and any are at be been can could d did do does for from get give hello hey hi how i
    if in is it like ll m me my need now of on or our please re s should so some thank thanks that
    the their them there they this to us ve want was we what when where which who why will with
    would you your yours
    al con de del el en es la las lo los me mi por favor para que quiero se su un una uno y yo
    au aux avec ce des du est et il je le les mon ne nous pas pour sur une veux vous voudrais
    aber auf bitte das dem den der die ein eine einem einen einer er für hat ich ist kann man mein
    meine mich mit möchte nicht sie sind und von will zu
    che di gli il io mio non per sono voglio vorrei com do eu meu não o os quero uma
        """,
    )
)

# Asking for a human is what this product must never miss, whichever of these words is used.
SAME_WORDS = {
    **dict.fromkeys(("speak", "speaking", "talking", "chat", "chatting"), "talk"),
    **dict.fromkeys(("person", "agent", "representative", "rep", "operator", "advisor"), "human"),
    **dict.fromkeys(("humans", "agents", "people", "adviser"), "human"),
}

# Scripts written without spaces between words are compared by pairs of characters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


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


def topic_match(text: str, topics: Sequence[TopicText]) -> TopicMatch | None:
    """Return the best matching enabled topic, the earlier one if two match alike, or None."""
    said = normalise(text[:MAX_TEXT_CHARS])
    if not said:
        return None
    enabled = [topic for topic in topics if topic.enabled]
    for topic in enabled:
        if said in {normalise(phrase) for phrase in (topic.name, *topic.example_queries)}:
            return TopicMatch(topic_id=topic.id, score=1.0, is_exact=True)
    scored = [(_score(said, topic), -position) for position, topic in enumerate(enabled)]
    score, position = max(scored, default=(0.0, 0))
    if score < THRESHOLD:
        return None
    return TopicMatch(topic_id=enabled[-position].id, score=score, is_exact=False)


def normalise(text: str) -> str:
    """Fold case, width and accents' spelling, and turn punctuation into single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in folded)
    return " ".join("".join(kept).split())


def _score(said: str, topic: TopicText) -> float:
    """Rate name and example queries in full, and content less."""
    words = _words(said)
    best = max(
        (_phrase_score(said, words, normalise(p)) for p in (topic.name, *topic.example_queries)),
        default=0.0,
    )
    found = _overlap(words, _words(normalise(topic.content[:MAX_CONTENT_CHARS])))
    if found < 2:
        return best
    return max(best, CONTENT_WEIGHT * found / len(words))


def _phrase_score(said: str, words: list[str], phrase: str) -> float:
    """Rate how much of the phrase was said, and how much else was."""
    phrase_words = _words(phrase)
    likeness = _trigram_likeness(said, phrase)
    if not words or not phrase_words:
        return likeness if likeness >= MIN_PHRASE_SIMILARITY else 0.0
    found = _overlap(phrase_words, words)
    of_phrase, of_said = found / len(phrase_words), found / max(len(words), found)
    return 0.85 * (0.7 * of_phrase + 0.3 * of_said) + 0.15 * likeness


def _words(text: str) -> list[str]:
    """Split into words that carry meaning, without repeats; unspaced scripts into pairs."""
    found: list[str] = []
    for word in text.split():
        if word in FILLER_WORDS:
            continue
        pairs = [pair for run in _UNSPACED.findall(word) for pair in _pairs(run)]
        found.extend(pairs or [SAME_WORDS.get(word, word)])
    return list(dict.fromkeys(found))


def _pairs(run: str) -> Iterable[str]:
    return (run[at : at + 2] for at in range(max(1, len(run) - 1)))


def _overlap(words: Sequence[str], others: Sequence[str]) -> float:
    """Count the words that appear among the others; a misspelt one counts by its likeness."""
    known = set(others)
    return sum(1.0 if word in known else _closest(word, others) for word in words)


def _closest(word: str, others: Sequence[str]) -> float:
    if len(word) < MIN_FUZZY_LENGTH:
        return 0.0
    near = (
        OSA.normalized_similarity(word, other, score_cutoff=MIN_WORD_SIMILARITY)
        for other in others
        if len(other) >= MIN_FUZZY_LENGTH
    )
    return max(near, default=0.0)


def _trigram_likeness(one: str, other: str) -> float:
    """Return the Dice coefficient of the two texts' three-letter pieces."""
    left, right = _trigrams(one), _trigrams(other)
    return 2 * len(left & right) / (len(left) + len(right))


def _trigrams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
