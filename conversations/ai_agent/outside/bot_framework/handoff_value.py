"""Reads the value of a bot's `handoff.initiate`: what is ours by name, and attributes for the rest.

The protocol leaves the value free. Copilot Studio names its own variables `va_…`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.kit.cutting import shortened
from integrations.kit.json_values import as_object

INITIATE_EVENT = "handoff.initiate"
REASON_MAX, SUMMARY_MAX, NAME_MAX = 128, 4000, 128
ATTRIBUTES_MAX, KEY_MAX, VALUE_MAX = 50, 64, 1024
ATTRIBUTES_BYTES = 16_000
# Names in any case; the first that is there counts.
_REASON = ("reason", "va_lasttopic")
_SUMMARY = ("summary", "message", "va_agentmessage")
_NAMES = ("queue", "department")
_SKILLS = ("skills", "skill")
_LANGUAGE = ("language", "va_language")
_DESTINATION = ("destination",)
_USED = {*_REASON, *_SUMMARY, *_NAMES, *_SKILLS, *_LANGUAGE, *_DESTINATION, "priority"}
_PRIORITIES = frozenset({"low", "normal", "high", "urgent"})
_WHOLE = ("handoff", "utterance", "reason", "data")


def handoff_of(value: object) -> dict[str, Any]:
    """Return the dict of a tool (agent_api 2.1) that a value asks for.

    A payload of ours is taken as it is, and judged as a tool's; what a bot says in its own words
    is made to fit, so that no variable too many keeps an end user from a live agent.
    """
    if isinstance(value, str) and value.strip():
        return {"handoff": {"reason": shortened(value.strip(), REASON_MAX)}}
    given = as_object(value)
    if given.get("handoff") not in (None, False):
        return {key: given[key] for key in _WHOLE if key in given}
    if "text_chat" in given:
        return {"handoff": dict(given)}
    return {"handoff": _named(given)} if given else {"handoff": True}


def _named(given: Mapping[str, object]) -> dict[str, Any]:
    by_name = {key.casefold(): value for key, value in given.items()}
    wanted: dict[str, Any] = {"reason": _text(by_name, _REASON, REASON_MAX)}
    if destination := _text(by_name, _DESTINATION, NAME_MAX):
        wanted["destination"] = destination
    hints = {name: _text(by_name, (name,), NAME_MAX) for name in _NAMES}
    hints["summary"] = _text(by_name, _SUMMARY, SUMMARY_MAX)
    hints["language"] = _language(_text(by_name, _LANGUAGE, 35))
    found = {key: text for key, text in hints.items() if text}
    wanted["hints"] = {**found, **_skills(by_name), **_priority(by_name), **_attributes(given)}
    return wanted


def _text(by_name: Mapping[str, object], names: tuple[str, ...], limit: int) -> str:
    values = (by_name.get(name) for name in names)
    texts = (value.strip() for value in values if isinstance(value, str))
    return shortened(next((text for text in texts if text), ""), limit)


def _language(tag: str) -> str:
    parts = tag.split("-")
    is_tag = parts[0].isalpha() and 2 <= len(parts[0]) <= 3 and all(p.isalnum() for p in parts)
    return tag if is_tag and all(1 <= len(part) <= 8 for part in parts) else ""


def _skills(by_name: Mapping[str, object]) -> dict[str, Any]:
    value = next((by_name[name] for name in _SKILLS if by_name.get(name)), [])
    listed = value if isinstance(value, list) else [value]
    skills = [shortened(s.strip(), NAME_MAX) for s in listed if isinstance(s, str) and s.strip()]
    return {"skills": skills[:20]} if skills else {}


def _priority(by_name: Mapping[str, object]) -> dict[str, Any]:
    value = by_name.get("priority")
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10
    return {"priority": value} if is_number or value in _PRIORITIES else {}


def _attributes(given: Mapping[str, object]) -> dict[str, Any]:
    """Return what has no name of ours, made to fit the limits of attributes."""
    attributes: dict[str, Any] = {}
    left = ATTRIBUTES_BYTES
    for key, value in _flat(given):
        left -= len(json.dumps({key: value}).encode())
        if left < 0 or len(attributes) == ATTRIBUTES_MAX:
            break
        attributes[key] = value
    return {"attributes": attributes} if attributes else {}


def _flat(given: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in given.items():
        if key.casefold() in _USED or not key.strip() or value in (None, "", [], {}):
            continue
        is_structure = isinstance(value, dict | list)
        plain = json.dumps(value, ensure_ascii=False) if is_structure else value
        fitting = shortened(plain, VALUE_MAX) if isinstance(plain, str) else plain
        yield shortened(key, KEY_MAX), fitting
