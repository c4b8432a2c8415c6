"""Say what differs between two contents: by kind and name, and within one line by line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.releases.content import RELEASED, plain_content

Sign = Literal["added", "removed", "changed"]
CONTEXT_LINES = 3
# A difference that is longer is cut, and says so.
LINES_MAX = 400
_WORDS = {"greeting": "Greeting", "no_match_text": "Answer when no topic matches"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a difference; `mark` is +, - or a blank."""

    mark: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field that differs, with its lines."""

    label: str
    lines: list[Line] = field(repr=False)
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A topic, tool, flow … that differs."""

    kind: str
    name: str
    sign: Sign
    fields: list[FieldChange]


def contents_compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what `after` has otherwise than `before`, in the order of kinds and names."""
    old, new = plain_content(before), plain_content(after)
    found = [
        Change(kind="Text", name=_WORDS.get(name, name), sign="changed", fields=[one])
        for name, one in _texts(old["texts"], new["texts"])
    ]
    for released in RELEASED:
        found += _rows(released.label, old[released.key], new[released.key])
    return found


def changes_counted(changes: list[Change]) -> str:
    """Return how much differs, such as “2 changed, 1 added”."""
    signs = [change.sign for change in changes]
    counts = [(signs.count(sign), sign) for sign in ("changed", "added", "removed")]
    return ", ".join(f"{number} {sign}" for number, sign in counts if number) or "no difference"


def _texts(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, FieldChange]]:
    for name in sorted({*old, *new}):
        if old.get(name, "") != new.get(name, ""):
            yield name, _field("Text", old.get(name, ""), new.get(name, ""))


def _rows(
    label: str, old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]
) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        sign: Sign = "changed"
        if before is None or after is None:
            sign = "added" if before is None else "removed"
        fields = [
            _field(_label(one), (before or {}).get(one), (after or {}).get(one))
            for one in sorted({*(before or {}), *(after or {})} - {"name"})
            if _shown((before or {}).get(one)) != _shown((after or {}).get(one))
        ]
        yield Change(kind=label, name=name, sign=sign, fields=fields)


def _label(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ").capitalize()


def _field(label: str, old: object, new: object) -> FieldChange:
    before, after = _shown(old).splitlines(), _shown(new).splitlines()
    # The first two name the sides.
    found = list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT_LINES))[2:]
    lines = [Line(mark=one[:1], text=one[1:]) for one in found]
    return FieldChange(label=label, lines=lines[:LINES_MAX], is_cut=len(lines) > LINES_MAX)


def _shown(value: object) -> str:
    """Return a value as people read it: nothing for what is empty, lists line by line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
