"""Judges what a tool returned, without the handoff inside: keys, types, and what is said.

The same rules serve a turn, a trial run and the check of a literal dict at save.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

EFFECTIVE_KEYS = ("handoff", "utterance", "hangup")
INERT_KEYS = ("content", "variant", "end_turn", "transition", "listen", "utterance_channel")
# A key is taken for a misspelt one from this likeness on, apart from case and punctuation.
MIN_LIKENESS = 0.8

_HANDOFF_INSIDE = re.compile(r"text_chat|[a-z0-9_]+_integration")
_EXPECTED: Mapping[str, tuple[type, str]] = {
    "utterance": (str, "text"),
    "hangup": (bool, "True or False"),
}


class ReturnProblem(NamedTuple):
    """Something wrong with a returned dict; an error leaves out what the tool wanted."""

    severity: Literal["error", "warning"]
    key: str
    message: str


def return_problems(returned: object) -> list[ReturnProblem]:
    """List what is wrong with a returned value; None and texts are always right."""
    if not isinstance(returned, Mapping):
        return []
    # Unknown keys beside a handoff are the payload's to name.
    found = [] if wants_handoff(returned) else list(key_problems(map(str, returned)))
    return found + list(type_problems(returned))


def key_problems(keys: Iterable[str]) -> Iterator[ReturnProblem]:
    """Judge keys that stand without a handoff."""
    for key in keys:
        if key in EFFECTIVE_KEYS or key in INERT_KEYS:
            continue
        meant = _meant(key)
        if _HANDOFF_INSIDE.fullmatch(key):
            yield ReturnProblem("error", key, "belongs inside handoff, and opens nothing here")
        elif meant in EFFECTIVE_KEYS:
            yield ReturnProblem("error", key, f"unknown key; did you mean {meant}?")
        else:
            yield ReturnProblem("warning", key, "unknown key, ignored")


def type_problems(returned: Mapping[str, object]) -> Iterator[ReturnProblem]:
    """Judge the values whose type decides whether anything happens; None counts as not given."""
    for key, (kind, expected) in _EXPECTED.items():
        value = returned.get(key)
        if value is not None and not isinstance(value, kind):
            got = type(value).__name__
            yield ReturnProblem("error", key, f"expected {expected}, got {got}; it has no effect")


def silence_problem(returned: object) -> ReturnProblem:
    """Say why a returned value that is no error leaves the end user without a word."""
    inert = [key for key in INERT_KEYS if isinstance(returned, Mapping) and key in returned]
    if inert:
        message = f"has no effect here; put what the end user reads into {EFFECTIVE_KEYS[1]}"
        return ReturnProblem("warning", inert[0], message)
    return ReturnProblem("warning", "", "the tool returned nothing to say and nothing to do")


def wants_handoff(returned: object) -> bool:
    """Tell whether a returned value has a handoff, be it a valid one or not."""
    return isinstance(returned, Mapping) and _is_given(returned.get("handoff"))


def hangs_up(returned: object) -> bool:
    """Tell whether a returned value ends the conversation."""
    return isinstance(returned, Mapping) and returned.get("hangup") is True


def acts(returned: object) -> bool:
    """Tell whether the end user hears of a returned value that says nothing."""
    asks = wants_handoff(returned) or handoff_misplaced(returned) is not None
    return asks or hangs_up(returned)


def handoff_misplaced(returned: object) -> ReturnProblem | None:
    """Return the problem of a handoff that stands under a wrong key, if that is all there is."""
    if not isinstance(returned, Mapping) or wants_handoff(returned):
        return None
    for problem in key_problems(key for key, value in returned.items() if _is_given(value)):
        if _HANDOFF_INSIDE.fullmatch(problem.key) or _meant(problem.key) == "handoff":
            return problem
    return None


def spoken(said: Iterable[str], returned: object) -> list[str]:
    """Return what the tool says: conv.say before the returned text, and no blank lines."""
    answer = returned.get("utterance") if isinstance(returned, Mapping) else returned
    texts = [text for text in said if text.strip()]
    return texts or ([answer] if isinstance(answer, str) and answer.strip() else [])


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def _meant(key: str) -> str:
    """Return the known key that a misspelt one stands for, or an empty text."""
    folded = re.sub(r"[^a-z]", "", key.casefold())
    known = {name.replace("_", ""): name for name in (*EFFECTIVE_KEYS, *INERT_KEYS)}
    near = difflib.get_close_matches(folded, known, n=1, cutoff=MIN_LIKENESS)
    return known[near[0]] if near else ""
