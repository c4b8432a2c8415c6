"""A figure: a title in words, its definition, and the table that it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

VALUES_MAX = 20
NONE_GIVEN = "None given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One table; `kind` says how its chart is drawn, `link` which filter a row leads to."""

    name: str
    title: str
    definition: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    kind: str = ""
    link: str = ""
    # The value by which the list is filtered, for each row.
    values: Sequence[str] = ()


def share(part: int, whole: int) -> str:
    """Write a part of a whole; a whole of nothing has no parts."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


def most_first(found: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return names and numbers, the largest number first."""
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))
