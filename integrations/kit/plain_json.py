"""JSON that every part can keep: no NUL, no half of a surrogate pair, no NaN, no bottomless depth.

What people send is refused with the place at fault; what a vendor sends is cleaned and kept.
"""

from __future__ import annotations

import json
import math

from integrations.kit.json_values import Json, as_object

# PostgreSQL and Python's own reader both end somewhere; nothing that anybody means is this deep.
MAX_DEPTH = 64
_SHOWN_KEY = 40
_BROKEN = "It holds a character that no text may hold"
_NO_NUMBER = "It holds a number that JSON does not know"
_DEEP = f"It is nested deeper than {MAX_DEPTH} levels"


def text_cleaned(text: str) -> str:
    """Return a text without NUL, and with a question mark for each half of a surrogate pair."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def json_cleaned(value: object, depth: int = 0) -> object:
    """Return a value read from JSON as it can be kept; what is too deep or no number is null."""
    if isinstance(value, str):
        return text_cleaned(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, dict | list):
        return value
    if depth >= MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [json_cleaned(item, depth + 1) for item in value]
    return {text_cleaned(str(k)): json_cleaned(item, depth + 1) for k, item in value.items()}


def vendor_json(raw: str | bytes) -> object:
    """Read a vendor's JSON, cleaned; raises ValueError where it is none.

    Broken UTF-8 does not make it none: what a live agent wrote is in it.
    """
    if isinstance(raw, bytes):
        raw = raw.decode(json.detect_encoding(raw), "replace")
    try:
        return json_cleaned(json.loads(raw))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def vendor_object(raw: str | bytes) -> Json:
    """Read a vendor's JSON object, cleaned; anything else is an empty one."""
    try:
        return as_object(vendor_json(raw))
    except ValueError:
        return {}


def json_problem(value: object, path: str = "", depth: int = 0) -> tuple[str, str] | None:
    """Return the path of the first part that cannot be kept, and why; None where all is well."""
    if isinstance(value, str):
        return None if is_plain(value) else (path, _BROKEN)
    if isinstance(value, float) and not math.isfinite(value):
        return path, _NO_NUMBER
    if not isinstance(value, dict | list):
        return None
    if depth >= MAX_DEPTH:
        return path, _DEEP
    if isinstance(value, list):
        return _problem_of_list(value, path, depth)
    return _problem_of_object(value, path, depth)


def is_plain(text: str) -> bool:
    """Say whether a text has neither NUL nor half of a surrogate pair."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _problem_of_list(value: list[object], path: str, depth: int) -> tuple[str, str] | None:
    for number, item in enumerate(value):
        if isinstance(item, str | float | dict | list):
            found = json_problem(item, f"{path}[{number}]", depth + 1)
            if found:
                return found
    return None


def _problem_of_object(value: dict[str, object], path: str, depth: int) -> tuple[str, str] | None:
    for key, item in value.items():
        inner = f"{path}.{_shown(key)}".lstrip(".")
        if not is_plain(key):
            return inner, _BROKEN
        found = json_problem(item, inner, depth + 1)
        if found:
            return found
    return None


def _shown(key: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in key[:_SHOWN_KEY])
