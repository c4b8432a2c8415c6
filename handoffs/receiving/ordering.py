"""The order of webhooks that overtake each other: the other side's count, or its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from handoffs.models import StoredWebhook

# For so long a call that another one has overtaken is waited for.
MISSING_FOR = timedelta(seconds=2)


def in_their_order(rows: Sequence[StoredWebhook]) -> list[StoredWebhook]:
    """Sort rows by count or time within their key; what has neither keeps its place."""
    ordered = list(rows)
    for name in ("position", "occurred_at"):
        for key in dict.fromkeys(row.key for row in ordered):
            _sort_places(ordered, key, name)
    return ordered


def _sort_places(rows: list[StoredWebhook], key: str, name: str) -> None:
    def order(row: StoredWebhook) -> Any:
        return getattr(row, name)

    places = [n for n, row in enumerate(rows) if row.key == key and order(row) is not None]
    for place, row in zip(places, sorted((rows[n] for n in places), key=order), strict=True):
        rows[place] = row


def without_gaps(
    rows: Sequence[StoredWebhook], done: Mapping[str, int], *, now: datetime
) -> tuple[list[StoredWebhook], float]:
    """Return what may be applied now, and seconds until a missing one is given up (0: none).

    Everything behind a gap in the other side's count waits, until what stands there has waited
    long enough. `done` is how far the count was applied, by key.
    """
    counts = dict(done)
    for number, row in enumerate(rows):
        if row.position is None:
            continue
        is_next = row.position <= counts.get(row.key, 0) + 1
        left = (row.received_at + MISSING_FOR - now).total_seconds()
        if not is_next and left > 0:
            return list(rows[:number]), left
        counts[row.key] = max(row.position, counts.get(row.key, 0))
    return list(rows), 0.0
