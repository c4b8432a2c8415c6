"""Narrows Zendesk's JSON to what the rest may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

Json = Mapping[str, object]


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
    """Narrow to an id: Zendesk writes them as text in one place, as numbers in another."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value)


def moment(text: object) -> datetime:
    """Read a time of Zendesk's; now, where it said none that can be read."""
    return read_moment(text) or datetime.now(UTC)


def read_moment(text: object) -> datetime | None:
    """Read an ISO time, or None; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(as_text(text).strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
