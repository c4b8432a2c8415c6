"""The matcher is held to a labelled set, of which one half was never worked on."""

from __future__ import annotations

from collections import Counter

import pytest

from conversations.ai_agent.topics.matching import TopicIndex
from tests.conversations.labelled import (
    HALVES,
    HUMAN,
    answer_of,
    figures,
    topics,
    utterances,
)

KNOWN, HANDING_OFF = topics()
ANSWER = answer_of(TopicIndex(KNOWN))


def test_the_set_is_large_and_even():
    said = [one for half in HALVES for one in utterances(half)]

    assert len(said) >= 400
    assert len(KNOWN) == 25
    assert {one.language for one in said} == {"en", "de", "es"}
    assert {one.kind for one in said} == {
        *("paraphrase", "typo", "negation", "small talk", "near miss")
    }
    assert min(Counter(one.expected for one in said).values()) >= 12
    assert len({one.text.casefold() for one in said}) == len(said)


@pytest.mark.parametrize("half", HALVES)
def test_topics_and_handoffs_are_found_and_little_else(half):
    found = figures(list(utterances(half)), ANSWER, HANDING_OFF)

    assert found.handoff_precision >= 0.98, found
    assert found.handoff_recall >= 0.9, found
    assert found.precision >= 0.9, found
    assert found.recall >= 0.75, found


@pytest.mark.parametrize("half", HALVES)
def test_no_refusal_of_a_human_is_taken_for_the_wish(half):
    said = [one for one in utterances(half) if one.kind == "negation"]

    assert [one.text for one in said if ANSWER(one.text) == HUMAN] == []
