"""No pattern takes long over a hostile text: while one reads, the whole process stands still."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from handoffs.portal.conversations.search_text import masked
from handoffs.sending.offers import reply_meant
from tests.architecture.sources import module_of, project

# What stands again and again in a text that is written to be slow to read.
PIECES = (
    *("a", "1", " ", "-", ".", "_", "@", "/", "\\", "[", "{", "<", "'", "я"),
    *("1a", "a ", "1 ", "a@", "[(", "**", " \n", "http://", '\\"', "a=", "1-"),
)
CHARACTERS = 2500
# Of so many characters a pattern that looks at each a few times is done in a thousandth of this.
SECONDS_MAX = 0.015
# They read what an admin or operator writes, which is short, or never look for a place to begin.
OTHERWISE = {
    "config.setting_values._LINE",
    "conversations.ai_agent.entities.reading._CODE",
    "conversations.ai_agent.returned._HANDOFF_INSIDE",
    "integrations.behaviour.opening_hours._WEEKLY",
    "integrations.entry.parser._TOKENS",
}


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every pattern that a module holds, by name."""
    for path, text in project().items():
        if "re.compile(" not in text or "simulator" in path or "prelude" in path:
            continue
        module = module_of(path)
        for name, value in vars(importlib.import_module(module)).items():
            yield from _inside(f"{module}.{name}", value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield name, value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _inside(name, one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _inside(name, one)


def is_slow(pattern: re.Pattern[str], text: str) -> bool:
    began = time.thread_time()
    for _ in pattern.finditer(text):
        pass
    return time.thread_time() - began > SECONDS_MAX


def test_no_pattern_is_slow_over_a_text_that_repeats_itself() -> None:
    texts = [piece * (CHARACTERS // len(piece)) + "\0" for piece in PIECES]
    slow = {
        name
        for name, pattern in patterns()
        if name not in OTHERWISE
        for text in texts
        if is_slow(pattern, text) and is_slow(pattern, text)
    }

    assert slow == set()


def test_a_planted_slow_pattern_is_found() -> None:
    assert is_slow(re.compile(r"\S*\d[\d ]{1,30}\d\S*"), "a" * CHARACTERS)


@pytest.mark.parametrize("piece", PIECES)
def test_the_longest_message_is_indexed_and_matched_at_once(piece: str) -> None:
    text = piece * (settings.MESSAGE_MAX_CHARACTERS // len(piece)) + "x"
    began = time.thread_time()

    masked(text, ["Anna Birch"])
    reply_meant({"c1": {"label": "Yes"}}, text)

    assert time.thread_time() - began < 0.5
