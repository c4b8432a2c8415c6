"""Narrows Genesys's JSON to plain values; whatever does not fit is empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

Json = Mapping[str, object]

_LAST_SECOND = 32_503_680_000  # the year 3000


def as_object(value: object) -> Json:
    """Narrow to a JSON object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> list[Json]:
    """Narrow to a list of JSON objects; anything else in it is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Narrow to text; anything else is empty."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> int | None:
    """Narrow to a whole number of zero or more; JSON may also hold true, NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _LAST_SECOND * 1000 else None


def as_moment(value: object) -> datetime | None:
    """Read a time of Genesys's (ISO 8601); None where there is none."""
    try:
        moment = datetime.fromisoformat(as_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def written_moment(moment: datetime) -> str:
    """Write a time as Genesys wants it: milliseconds and a Z."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
