"""Finding the topic of a message, beside a plain BM25 over the same phrases."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence

from conversations.ai_agent.topics.matching import TopicIndex, TopicText
from tests.bench.table import table
from tests.conversations.labelled import (
    HALVES,
    NOTHING,
    Answer,
    answer_of,
    figures,
    topics,
    utterances,
)

TOPICS, QUERIES, MESSAGE_CHARS = 100, 20, 500
ROUNDS = 15
SYLLABLES = ("ba", "ke", "ri", "to", "mu", "sha", "len", "dor", "fi", "gra", "nel", "pos", "vi")


class PlainBm25:
    """The textbook's ranking, without misspellings, refusals or other scripts: the floor."""

    def __init__(self, phrases: Sequence[str], *, k1: float = 1.5, b: float = 0.75) -> None:
        self._counts = [Counter(phrase.lower().split()) for phrase in phrases]
        self._sizes = [count.total() for count in self._counts]
        mean = statistics.fmean(self._sizes)
        self._lengths = [k1 * (1 - b + b * size / mean) for size in self._sizes]
        holders = Counter(word for count in self._counts for word in count)
        total = len(phrases)
        self._rarity = {
            word: math.log(1 + (total - held + 0.5) / (held + 0.5))
            for word, held in holders.items()
        }
        self._k1 = k1

    def best(self, message: str) -> int:
        """Return the number of the phrase that ranks first."""
        return self.ranked(message)[1]

    def ranked(self, message: str) -> tuple[float, int]:
        """Return the best score, and the number of the phrase that has it."""
        scores = [0.0] * len(self._counts)
        for word in message.lower().split():
            rarity = self._rarity.get(word, 0.0)
            for number, count in enumerate(self._counts):
                times = count.get(word, 0)
                scores[number] += rarity * times * (self._k1 + 1) / (times + self._lengths[number])
        best = max(range(len(scores)), key=scores.__getitem__)
        return scores[best], best


def made_topics(seed: int = 7) -> list[TopicText]:
    """Return topics with queries of invented words, as many as a project may hold."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    common = words[:60]

    def phrase() -> str:
        return " ".join(
            chance.choice(common if chance.random() < 0.4 else words)
            for _ in range(chance.randint(3, 12))
        )

    return [
        TopicText(
            id=number,
            name=f"{number} {phrase()}",
            example_queries=tuple(phrase() for _ in range(QUERIES)),
            content=" ".join(phrase() for _ in range(20)),
        )
        for number in range(TOPICS)
    ]


def messages(topics: Sequence[TopicText], seed: int = 8) -> dict[str, str]:
    """Return messages of 500 characters, the dear kinds among them."""
    chance = random.Random(seed)
    known = [word for topic in topics for query in topic.example_queries for word in query.split()]
    typos = [word[:-1] + "x" for word in known if len(word) > 3]

    def filled(words: Sequence[str]) -> str:
        return " ".join(chance.choices(words, k=MESSAGE_CHARS))[:MESSAGE_CHARS]

    return {
        "words of the phrases": filled(known),
        "misspelt words": filled(typos),
        "words of four letters": filled(["".join(chance.choices("abetiou", k=4)) for _ in known]),
        "words of nine letters": filled(["".join(chance.choices("abetiou", k=9)) for _ in known]),
        "filler words": filled(["i", "want", "the", "to", "is", "you", "can", "how", "please"]),
        "one word": "x" * MESSAGE_CHARS,
        "a character that becomes eighteen": "\ufdfa" * MESSAGE_CHARS,
        "refusals": ("i don't want " + "no human please, " * MESSAGE_CHARS)[:MESSAGE_CHARS],
        "a script without spaces": "\u6211\u7684\u8ba2\u5355" * (MESSAGE_CHARS // 4),
        "marks": ",.;" * (MESSAGE_CHARS // 3),
        "letters": "a " * (MESSAGE_CHARS // 2),
    }


def milliseconds(work: Callable[[], object]) -> float:
    """Return the median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def compared(topics: Sequence[TopicText]) -> list[tuple[str, float, float]]:
    """Return (message, plain BM25 in ms, matching in ms) for each kind of message."""
    index = TopicIndex(topics)
    plain = PlainBm25([p for topic in topics for p in (topic.name, *topic.example_queries)])
    return [
        (
            name,
            milliseconds(lambda text=text: plain.best(text)),
            milliseconds(lambda text=text: index.match(text)),
        )
        for name, text in messages(topics).items()
    ]


def rated() -> list[list[str]]:
    """Return precision and recall on both halves of the labelled set, BM25's beside ours."""
    known, handing_off = topics()
    phrases = [
        (str(one.id), phrase) for one in known for phrase in (one.name, *one.example_queries)
    ]
    plain = PlainBm25([phrase for _, phrase in phrases])

    def plainly(bar: float) -> Answer:
        def answer(text: str) -> str:
            score, number = plain.ranked(text)
            return phrases[number][0] if score >= bar else NOTHING

        return answer

    first = list(utterances(HALVES[0]))

    def worth(bar: float) -> float:
        found = figures(first, plainly(bar), handing_off)
        return found.precision * found.recall / max(1e-9, found.precision + found.recall)

    # Its bar is the best one for the first half, where ours was worked on too.
    answers = {"plain BM25": plainly(max((n / 2 for n in range(30)), key=worth))}
    answers["Baton"] = answer_of(TopicIndex(known))
    return [
        [half, name, *(f"{value:.3f}" for value in _numbers(half, answer, handing_off))]
        for half in HALVES
        for name, answer in answers.items()
    ]


def _numbers(half: str, answer: Answer, handing_off: set[str]) -> tuple[float, ...]:
    found = figures(list(utterances(half)), answer, handing_off)
    handoffs = (found.handoff_precision, found.handoff_recall)
    return (found.precision, found.recall, *handoffs)


async def matching(made: object, http: object, *, seconds: float) -> None:
    """Print the table; nothing of it needs the portal."""
    rows = [["message", "plain BM25 ms", "Baton ms", "Baton / plain"]]
    for name, plain, ours in compared(made_topics()):
        rows.append([name, f"{plain:.1f}", f"{ours:.1f}", f"{ours / plain:.2f}"])
    heads = ["half", "matcher", "precision", "recall", "hand-off precision", "hand-off recall"]
    table("482 labelled utterances about 25 topics, in three languages", [heads, *rated()])
    size = f"{TOPICS} topics of {QUERIES} queries"
    table(f"The topic of a message of {MESSAGE_CHARS} characters, {size}", rows)
