"""Finds a tool's arguments in what was said: what shows by itself, and nothing by guessing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conversations.ai_agent.entities.parameters import Parameter, value_fit
from conversations.ai_agent.entities.reading import Read, Value, entities_in, entity_find, says_name
from conversations.ai_agent.phrases.words import FILLER_WORDS, normalise

# How far from a number or a code the word may stand that says what it is: "order number is 1042".
_NEAR_BEFORE, _NEAR_BEHIND = 4, 1
_MARKED = {"email": "email", "date": "date", "phone_number": "phone_number", "code": "alphanumeric"}
_TOKEN = re.compile(r"[^\s,;!?]+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Arguments by name, and the words in which each was said."""

    values: Mapping[str, Value] = field(default_factory=dict, repr=False)
    said: Mapping[str, str] = field(default_factory=dict, repr=False)


def arguments_find(parameters: Sequence[Parameter], text: str) -> Found:
    """Read from a message what each open parameter is; of two of a kind neither is guessed."""
    marked = entities_in(text)
    kinds = Counter(one.kind.entity for one in parameters)
    values: dict[str, Value] = {}
    said: dict[str, str] = {}
    for one in parameters:
        read = _read(one, text, marked, is_only=kinds[one.kind.entity] == 1)
        value = value_fit(one, read[0]) if read else None
        if read and value is not None:
            values[one.name], said[one.name] = value, read[1]
    return Found(values=values, said=said)


def answer_find(parameter: Parameter, text: str) -> Read | None:
    """Read an answer to the question for one parameter."""
    read = entity_find(parameter.kind.entity, text, parameter.options)
    if read is None:
        return None
    if parameter.kind.key == "string":
        # "It is A-1042" gives the code where there is one; all other texts are taken whole.
        read = _after_opening(read[1])
    value = value_fit(parameter, read[0])
    return None if value is None else (value, read[1])


def missing_of(parameters: Iterable[Parameter], known: Mapping[str, object]) -> Parameter | None:
    """Return the first parameter that is required and not known."""
    return next((one for one in parameters if one.is_required and one.name not in known), None)


def _read(
    parameter: Parameter, text: str, marked: Mapping[str, Read], *, is_only: bool
) -> Read | None:
    kind = parameter.kind.key
    if kind == "enum":
        return entity_find("enum", text, parameter.options)
    if kind in _MARKED:
        return marked.get(_MARKED[kind]) if is_only else None
    if kind in ("number", "integer", "string"):
        return _near_its_name(parameter, text, taken=[marked[one][1] for one in _OWN & set(marked)])
    if kind == "name" and is_only and says_name(text):
        return entity_find("name", text)
    return None


# What is certainly something else than a number or a code.
_OWN = frozenset({"email", "date", "phone_number"})
_OPENING = re.compile(
    r"^\s*(?:it is|it's|its|that is|that's|es ist|das ist|ist|es|my \w+(?: \w+)? is|meine? \w+ "
    r"(?:ist|lautet)|mi \w+ es)\s+(?=\S)",
    re.IGNORECASE,
)


def _after_opening(text: str) -> Read:
    bare = _OPENING.sub("", text).strip()
    return (bare, bare) if bare else (text, text)


def _near_its_name(parameter: Parameter, text: str, taken: Sequence[str]) -> Read | None:
    """Take the number, or the code, that stands beside a word of the parameter's own."""
    for one in taken:
        text = text.replace(one, " ")
    tokens = [token.strip(".:#\"'()") for token in _TOKEN.findall(text)]
    cues = _cues(parameter)
    words = [normalise(token) for token in tokens]
    at = [number for number, token in enumerate(tokens) if _DIGIT.search(token)]
    near = sorted((far, number) for number in at if (far := _distance(words, number, cues)))
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
    raw = tokens[near[0][1]]
    return (raw, raw)


def _distance(words: Sequence[str], at: int, cues: frozenset[str]) -> int:
    """Return how far the nearest word of the parameter's is; 0 where none is near."""
    near = range(max(0, at - _NEAR_BEFORE), min(len(words), at + _NEAR_BEHIND + 1))
    found = [abs(at - one) for one in near if one != at and cues & set(words[one].split())]
    return min(found, default=0)


def _cues(parameter: Parameter) -> frozenset[str]:
    """Return the words that say what it is: of its name and its description."""
    told = normalise(f"{parameter.name.replace('_', ' ')} {parameter.description}").split()
    known = {word for word in told if len(word) > 2 and word not in FILLER_WORDS}
    return frozenset(known | {f"{word}s" for word in known})
