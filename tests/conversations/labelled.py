"""A labelled set of utterances: what 25 topics of a shop are asked, in three languages.

It was written in one sitting, before its writer had read the matcher, and then cut in two halves
by the hash of each line. The matcher was worked on with the first half alone; the second one was
run when that was over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conversations.ai_agent.phrases.wishes import wants_human
from conversations.ai_agent.topics.matching import TopicIndex, TopicText

HALVES = ("first_half", "second_half")
HUMAN, NOTHING = "@human", "-"
_FOLDER = Path(__file__).with_name("utterances")
Answer = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Utterance:
    language: str
    expected: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How often what was answered was right, and how much of what is right was answered."""

    precision: float
    recall: float
    handoff_precision: float
    handoff_recall: float


def topics() -> tuple[list[TopicText], set[str]]:
    """Return the topics, and those of them that hand off."""
    found: list[TopicText] = []
    handing_off: set[str] = set()
    for block in (_FOLDER / "topics.txt").read_text(encoding="utf-8").split("\n[")[1:]:
        head, content, *queries = block.strip().splitlines()
        key, _, name = head.partition("] ")
        if name.endswith("; hands off"):
            handing_off.add(key)
        found.append(
            TopicText(
                id=key,
                name=name.removesuffix("; hands off"),
                content=content.removeprefix("> "),
                example_queries=tuple(one.removeprefix("? ") for one in queries),
            )
        )
    return found, handing_off


def utterances(half: str) -> Iterator[Utterance]:
    """Yield the utterances of a half."""
    lines = (_FOLDER / f"{half}.tsv").read_text(encoding="utf-8").splitlines()
    return (Utterance(*line.split("\t")) for line in lines if not line.startswith("#"))


def answer_of(index: TopicIndex) -> Answer:
    """Return how the AI agent takes a message: a wish for a human first, then a topic."""

    def answer(text: str) -> str:
        if wants_human(text):
            return HUMAN
        match = index.match(text)
        return str(match.topic_id) if match else NOTHING

    return answer


def figures(said: Sequence[Utterance], answer: Answer, handing_off: set[str]) -> Figures:
    """Rate an answerer."""
    hands = {*handing_off, HUMAN}
    pairs = [(one.expected, answer(one.text)) for one in said]
    right = sum(wanted == got != NOTHING for wanted, got in pairs)
    rightly = sum(wanted in hands and got in hands for wanted, got in pairs)
    return Figures(
        precision=right / max(1, sum(got != NOTHING for _, got in pairs)),
        recall=right / max(1, sum(wanted != NOTHING for wanted, _ in pairs)),
        handoff_precision=rightly / max(1, sum(got in hands for _, got in pairs)),
        handoff_recall=rightly / max(1, sum(wanted in hands for wanted, _ in pairs)),
    )
