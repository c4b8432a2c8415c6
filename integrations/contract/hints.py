"""What a tool may say about a handoff: hints, each with a check that returns it normalised."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeGuard

MAX_BLOCK_BYTES = 16 * 1024
MAX_SHOWN_KEY = 64
MAX_INT = 2**63 - 1
SECRET_MARKS = ("secret", "password", "token", "privatekey")


class PayloadProblem(NamedTuple):
    """One thing wrong in a payload: where it is, and what was expected there (never the value)."""

    path: str
    message: str


@dataclass(slots=True)
class Notes:
    """Collects everything found while reading, so that a builder can repair it in one go."""

    problems: list[PayloadProblem] = field(default_factory=list)
    warnings: list[PayloadProblem] = field(default_factory=list)
    # Which integrations a builder is told of, in words.
    offered: str = ""

    def problem(self, path: str, message: str) -> None:
        """Record something that makes the payload invalid."""
        self.problems.append(PayloadProblem(path, message))

    def warn(self, path: str, message: str) -> None:
        """Record something that is ignored or dropped."""
        self.warnings.append(PayloadProblem(path, message))

    def has_problem_at(self, path: str) -> bool:
        """Tell whether this very place was already found wrong."""
        return any(problem.path == path for problem in self.problems)

    def wrong(self, path: str, expected: str, value: object) -> None:
        """Record a value of the wrong kind: what was expected, and the kind of what came."""
        self.problem(path, f"expected {expected}, got {kind_of(value)}")


Check = Callable[[object, str, Notes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A key that a tool may set for an integration, and how its value is checked."""

    name: str
    check: Check = field(repr=False)
    # Other spellings, which are kept under the name.
    aliases: tuple[str, ...] = ()
    is_required: bool = False
    # It replaces what an admin saved, which needs the project's "Allow inline overrides".
    replaces_saved: bool = False
    # The fields of the connection that list what it may be; none: it may be anything.
    listed_in: tuple[str, ...] = ()


def hints_by_name(*hints: Hint) -> dict[str, Hint]:
    """Return hints by name; of two with one name, the first."""
    found: dict[str, Hint] = {}
    for hint in hints:
        found.setdefault(hint.name, hint)
    return found


KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a number"),
    (dict, "a dict"),
    (list, "a list"),
    (tuple, "a tuple"),
)


def kind_of(value: object) -> str:
    """Name the kind of a value in the builder's words, without showing the value."""
    if value is None:
        return "None"
    return next((name for kind, name in KINDS if isinstance(value, kind)), "another type")


def join_path(path: str, key: object) -> str:
    """Append a key to a path, shortened and made printable: keys come from outside."""
    shown = key if isinstance(key, str) else kind_of(key)
    clean = "".join(char if char.isprintable() else "?" for char in shown[:MAX_SHOWN_KEY])
    return f"{path}.{clean}" if path else clean


def is_secret_key(key: str) -> bool:
    """Tell whether a key looks like it holds a credential, however it is spelt."""
    folded = re.sub(r"[^a-z]", "", key.casefold())
    return any(mark in folded for mark in SECRET_MARKS)


def is_valid_text(value: str) -> bool:
    """Tell whether text can be stored and sent: no NUL, no half of a surrogate pair."""
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def text(least: int, most: int) -> Check:
    """Check text between two lengths."""
    expected = f"text of {least} to {most} characters" if least else f"text up to {most} characters"

    def check(value: object, path: str, notes: Notes) -> object:
        if not isinstance(value, str):
            notes.wrong(path, expected, value)
        elif not least <= len(value) <= most:
            notes.problem(path, f"expected {expected}, got {len(value)} characters")
        elif not is_valid_text(value):
            notes.problem(path, f"expected {expected} without NUL or broken characters")
        return value

    return check


def pattern(regex: str, expected: str) -> Check:
    """Check text that matches a pattern as a whole."""
    compiled = re.compile(regex, re.ASCII)

    def check(value: object, path: str, notes: Notes) -> object:
        if not isinstance(value, str):
            notes.wrong(path, expected, value)
        elif not compiled.fullmatch(value):
            notes.problem(path, f"expected {expected}")
        return value

    return check


def one_of(*choices: str) -> Check:
    """Check one of a few words."""
    expected = "one of " + ", ".join(choices)

    def check(value: object, path: str, notes: Notes) -> object:
        if not isinstance(value, str):
            notes.wrong(path, expected, value)
        elif value not in choices:
            notes.problem(path, f"expected {expected}")
        return value

    return check


def whole_number(
    least: int, most: int, *, also: Collection[object] = (), or_words: str = ""
) -> Check:
    """Check a whole number in a range, or one of a few other values."""
    expected = f"a whole number from {least} to {most}{or_words}"

    def check(value: object, path: str, notes: Notes) -> object:
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value in also:
            return value
        if not isinstance(value, int) or isinstance(value, bool):
            notes.wrong(path, expected, value)
        elif not least <= value <= most:
            notes.problem(path, f"expected {expected}")
        return value

    return check


def numeric_id(value: object, path: str, notes: Notes) -> object:
    """Check an id made of digits; a whole number is taken as its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INT:
        return str(value)
    return pattern(r"[0-9]{1,20}", "an id of digits only")(value, path, notes)


def texts(most: int, each: Check, *, or_single: bool = False) -> Check:
    """Check a list of texts; with `or_single`, one text is taken as a list of one."""

    def check(value: object, path: str, notes: Notes) -> object:
        if or_single and isinstance(value, str):
            value = [value]
        if not isinstance(value, (list, tuple)):
            notes.wrong(path, "a list of texts", value)
        elif len(value) > most:
            notes.problem(path, f"expected at most {most} items, got {len(value)}")
        else:
            return [each(item, f"{path}[{index}]", notes) for index, item in enumerate(value)]
        return value

    return check


def scalar(value: object, path: str, notes: Notes) -> object:
    """Check a plain value: text up to 1024 characters, a number, true, false or None."""
    if isinstance(value, str):
        return text(0, 1024)(value, path, notes)
    if value is not None and not is_finite_number(value) and not isinstance(value, bool):
        notes.wrong(path, "text, a finite number, true, false or None", value)
    return value


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a number survives JSON and every vendor: 64-bit whole, or finite float."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return -MAX_INT <= value <= MAX_INT
    return isinstance(value, float) and math.isfinite(value)


def flat_dict(key: Check, each: Check, *, most: int = 50) -> Check:
    """Check a dict of plain values; keys that look secret are dropped and reported."""

    def check(value: object, path: str, notes: Notes) -> object:
        if not isinstance(value, dict):
            notes.wrong(path, "a dict of plain values", value)
            return value
        if len(value) > most:
            notes.problem(path, f"expected at most {most} keys, got {len(value)}")
            return value
        before = len(notes.problems)
        found = {
            key(name, join_path(path, name), notes): each(item, join_path(path, name), notes)
            for name, item in without_secrets(value, path, notes)
        }
        if len(notes.problems) == before and block_bytes(found) > MAX_BLOCK_BYTES:
            notes.problem(path, f"expected at most {MAX_BLOCK_BYTES // 1024} KB")
        return found

    return check


def without_secrets(
    value: Mapping[object, object], path: str, notes: Notes
) -> Iterator[tuple[object, object]]:
    """Yield the items whose key does not look secret, and report the others by key alone."""
    for name, item in value.items():
        if isinstance(name, str) and is_secret_key(name):
            notes.warn(join_path(path, name), "dropped: secrets are never accepted in a payload")
        else:
            yield name, item


def block_bytes(value: object) -> int:
    """Return the size of a JSON value as it would be sent."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
