"""Counts and percentiles of facts, in as few statements as the database allows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Aggregate, Count, DateTimeField, F, FloatField, Q, QuerySet, Value

# Fewer values than these say nothing.
VALUES_MIN = 5
# In SQLite every value is read; beyond this a year of a busy project would take too long.
SQLITE_MAX = 200_000


class Spread(NamedTuple):
    """How many values there are, and by nearest rank their median and 90th percentile."""

    n: int
    median: int | None
    p90: int | None


class Percentile(Aggregate):
    """PostgreSQL's percentile_disc: a value that is there, by nearest rank."""

    template = "percentile_disc(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def has_percentiles() -> bool:
    """Say whether the database finds percentiles by itself."""
    return connection.vendor == "postgresql"


def counts(rows: QuerySet[Any], *by: Any, **named: Any) -> dict[tuple[Any, ...], int]:
    """Count rows by fields or expressions, which the keys hold in their order."""
    names = [*by, *named]
    found = rows.values(*by, **named).annotate(n=Count("pk")).values_list(*names, "n")
    return {tuple(row[:-1]): row[-1] for row in found}


def spreads(rows: QuerySet[Any], value: str, **by: Any) -> dict[tuple[Any, ...], Spread]:
    """Return the spread of a value in each group; without groups its key is the empty tuple."""
    known = rows.filter(**{f"{value}__isnull": False})
    if not has_percentiles():
        return _spreads_here(known, value, by)
    grouped = known.values(**by) if by else known.values(whole=F("project_id"))
    measured = grouped.annotate(
        n=Count("pk"), median=Percentile(value, share=0.5), p90=Percentile(value, share=0.9)
    )
    names = list(by)
    return {
        tuple(row[name] for name in names): spread(row["n"], row["median"], row["p90"])
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


def spreads_at_once(
    rows: QuerySet[Any], measures: Mapping[str, tuple[str, Q]], *, day: Any, by_day: str
) -> tuple[dict[str, Spread], dict[Any, Spread]]:
    """Return the spread of several values, each of the rows that fit its condition.

    And that of one of them for each day, all in one statement where the database can.
    """
    if not has_percentiles():
        value, fits = measures[by_day]
        whole = {
            name: spreads(rows.filter(fits), value).get((), Spread(0, None, None))
            for name, (value, fits) in measures.items()
        }
        days = spreads(rows.filter(fits), value, day=day)
        return whole, {at: found for (at,), found in days.items()}
    wanted: dict[str, Any] = {}
    for name, (value, fits) in measures.items():
        wanted[f"{name}_n"] = Count(value, filter=fits)
        wanted[f"{name}_median"] = Percentile(value, share=0.5, filter=fits)
        wanted[f"{name}_p90"] = Percentile(value, share=0.9, filter=fits)
    nothing = Value(None, output_field=DateTimeField())
    all_days = rows.values(day=nothing).annotate(**wanted)
    whole, days_found = {name: Spread(0, None, None) for name in measures}, {}
    for row in all_days.union(rows.values(day=day).annotate(**wanted), all=True):
        if row["day"] is None:
            whole = {name: _spread_in(row, name) for name in measures}
        elif row[f"{by_day}_n"]:
            days_found[row["day"]] = _spread_in(row, by_day)
    return whole, days_found


def _spread_in(row: Mapping[str, Any], name: str) -> Spread:
    return spread(row[f"{name}_n"], row[f"{name}_median"], row[f"{name}_p90"])


def spread_of(values: Iterable[int]) -> Spread:
    """Return the spread of values."""
    ordered = sorted(values)
    return spread(len(ordered), nearest_rank(ordered, 0.5), nearest_rank(ordered, 0.9))


def nearest_rank(ordered: Sequence[int], share: float) -> int | None:
    """Return the value at place ⌈share·n⌉."""
    return ordered[rank_of(len(ordered), share)] if ordered else None


def rank_of(n: int, share: float) -> int:
    """Return where the nearest rank stands among `n` ordered values, from 0."""
    return max(0, math.ceil(share * n) - 1)


def spread(n: int, median: float | None, p90: float | None) -> Spread:
    """Return a spread; too few values have no percentiles."""
    if n < VALUES_MIN or median is None or p90 is None:
        return Spread(n, None, None)
    return Spread(n, int(median), int(p90))
