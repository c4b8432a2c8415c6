"""Reads a vendor's JSON as plain values, and writes ours; what does not fit is read as empty."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

Json = Mapping[str, object]

# Beyond the year 3000, in milliseconds, a number is neither a time nor a count.
_LARGEST = 32_503_680_000_000
_DIGITS = re.compile(r"[0-9]{1,18}")
# No text that a person reads is deeper.
_MAX_DEPTH = 6


def as_object(value: object) -> Json:
    """Narrow to a JSON object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> list[Json]:
    """Narrow to a list of JSON objects; anything else in it is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Narrow to text; anything else is empty."""
    return value if isinstance(value, str) else ""


def as_id(value: object) -> str:
    """Narrow to an id, which vendors write as text in one place and as a number in another."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value)


def as_count(value: object) -> int | None:
    """Narrow to a whole number of zero or more; JSON may also hold true, NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value < _LARGEST else None


def count_read(text: str) -> int | None:
    """Read a whole number of zero or more, in ASCII digits that a database's bigint can hold."""
    return int(text) if _DIGITS.fullmatch(text) else None


def as_moment(value: object) -> datetime | None:
    """Read an ISO 8601 time, in UTC; one without a zone is UTC, and what is none is None."""
    try:
        moment = datetime.fromisoformat(as_text(value).strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def iso_moment(moment: datetime) -> str:
    """Write a time in ISO 8601 with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_digest(value: object) -> str:
    """Name a JSON value by what it holds: a repeat has the same name."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def json_text(value: object) -> str:
    """Write a JSON body as it goes over the wire: UTF-8 as it is, half surrogates replaced."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace").decode()


def joined(*lines: str) -> str:
    """Join the lines that hold something."""
    return "\n".join(line for line in lines if line)


def any_text(value: object, keys: Sequence[str]) -> str:
    """Collect the texts under these keys, best first, in content that has no rule of its own."""
    return joined(*dict.fromkeys(_texts(value, keys, 0)))


def _texts(value: object, keys: Sequence[str], depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, keys, depth + 1)
    elif isinstance(value, Mapping):
        yield from (value[key] for key in keys if isinstance(value.get(key), str))
        for item in value.values():
            yield from _texts(item, keys, depth + 1)
