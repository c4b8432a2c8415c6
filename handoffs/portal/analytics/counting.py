"""Counts and percentiles of facts, in as few statements as the database allows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Aggregate, Count, F, FloatField, QuerySet

# Fewer values than these say nothing.
VALUES_MIN = 5
# In SQLite every value is read; beyond this a year of a busy project would take too long.
SQLITE_MAX = 200_000


class Spread(NamedTuple):
    """How many values there are, and by nearest rank their median and 90th percentile."""

    n: int
    median: int | None
    p90: int | None


class _Percentile(Aggregate):
    """PostgreSQL's percentile_disc: a value that is there, by nearest rank."""

    template = "percentile_disc(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def counts(rows: QuerySet[Any], *by: Any, **named: Any) -> dict[tuple[Any, ...], int]:
    """Count rows by fields or expressions, which the keys hold in their order."""
    names = [*by, *named]
    found = rows.values(*by, **named).annotate(n=Count("pk")).values_list(*names, "n")
    return {tuple(row[:-1]): row[-1] for row in found}


def spreads(rows: QuerySet[Any], value: str, **by: Any) -> dict[tuple[Any, ...], Spread]:
    """Return the spread of a value in each group; without groups its key is the empty tuple."""
    known = rows.filter(**{f"{value}__isnull": False})
    if connection.vendor == "sqlite":
        return _spreads_here(known, value, by)
    grouped = known.values(**by) if by else known.values(whole=F("project_id"))
    measured = grouped.annotate(
        n=Count("pk"), median=_Percentile(value, share=0.5), p90=_Percentile(value, share=0.9)
    )
    names = list(by)
    return {
        tuple(row[name] for name in names): _spread(row["n"], row["median"], row["p90"])
        for row in measured
    }


def _spreads_here(
    known: QuerySet[Any], value: str, by: dict[str, Any]
) -> dict[tuple[Any, ...], Spread]:
    """Do the same in Python, for a database that knows no percentiles."""
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    fields = known.annotate(**{f"by_{name}": what for name, what in by.items()})
    names = [f"by_{name}" for name in by]
    for *key, found in fields.values_list(*names, value)[:SQLITE_MAX]:
        groups[tuple(key)].append(found)
    return {key: spread_of(values) for key, values in groups.items()}


def spread_of(values: Iterable[int]) -> Spread:
    """Return the spread of values."""
    ordered = sorted(values)
    return _spread(len(ordered), nearest_rank(ordered, 0.5), nearest_rank(ordered, 0.9))


def nearest_rank(ordered: Sequence[int], share: float) -> int | None:
    """Return the value at place ⌈share·n⌉."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _spread(n: int, median: float | None, p90: float | None) -> Spread:
    if n < VALUES_MIN or median is None or p90 is None:
        return Spread(n, None, None)
    return Spread(n, int(median), int(p90))
