"""Pages of a long list, found by what stands at their edge, and counts that stop in time."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

PAGE_ROWS = 50
COUNTED_MAX = 10_000
CHUNK_ROWS = 500
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysetPage(Generic[Row]):
    """Rows, newest first, and what asks for the pages beside them; empty where there is none."""

    rows: list[Row]
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are, as far as they were counted."""

    number: int
    is_more: bool

    def __str__(self) -> str:
        """Write it as people read it."""
        return f"{self.number:,}+" if self.is_more else f"{self.number:,}"


def count_to(rows: QuerySet[Any], limit: int = COUNTED_MAX, *, by: str = "") -> Count:
    """Count rows up to a limit, at the price of the limit; newest first where `by` is named.

    In that order an index leads to them, where a list has nearly all of a table's rows.
    """
    order = (f"-{by}", "-pk") if by else ()
    found = rows.order_by(*order)[: limit + 1].count()
    return Count(min(found, limit), found > limit)


def page_count(page: KeysetPage[Any], rows: QuerySet[Any], *, by: str = "") -> Count:
    """Count the rows of a list of which a page is known; one that is all there is needs no look."""
    if page.newer or page.older:
        return count_to(rows, by=by)
    return Count(len(page.rows), False)


def keyset_page(
    rows: QuerySet[Row], *, by: str, cursor: str = "", size: int = PAGE_ROWS
) -> KeysetPage[Row]:
    """Return the page of a cursor, newest first by a time and the key; a bad cursor is none."""
    place = _cursor_read(cursor)
    if place is None:
        found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
        return _page(found[:size], by, has_newer=False, has_older=len(found) > size)
    is_newer, at, pk = place
    if is_newer:
        after = Q(**{f"{by}__gt": at}) | Q(**{by: at, "pk__gt": pk})
        found = list(rows.filter(after, **{f"{by}__gte": at}).order_by(by, "pk")[: size + 1])
        return _page(found[:size][::-1], by, has_newer=len(found) > size, has_older=True)
    found = list(rows_before(rows, by, at, pk)[: size + 1])
    return _page(found[:size], by, has_newer=True, has_older=len(found) > size)


def rows_before(rows: QuerySet[Row], by: str, at: datetime, pk: object) -> QuerySet[Row]:
    """Return the rows that stand below one; the bare bound is what the index reads."""
    before = Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk})
    return rows.filter(before, **{f"{by}__lte": at}).order_by(f"-{by}", "-pk")


def newest_chunks(rows: QuerySet[Row], by: str, limit: int) -> Iterator[list[Row]]:
    """Yield the newest rows, some hundreds at a time, up to a limit; no cursor is held open."""
    chunk = list(rows.order_by(f"-{by}", "-pk")[: min(CHUNK_ROWS, limit)])
    while chunk:
        yield chunk
        limit -= len(chunk)
        last = chunk[-1]
        older = rows_before(rows, by, getattr(last, by), last.pk)
        chunk = list(older[: min(CHUNK_ROWS, limit)]) if limit else []


def _page(rows: list[Row], by: str, *, has_newer: bool, has_older: bool) -> KeysetPage[Row]:
    if not rows:
        return KeysetPage(rows=rows)
    return KeysetPage(
        rows=rows,
        newer=_cursor(rows[0], by, is_newer=True) if has_newer else "",
        older=_cursor(rows[-1], by, is_newer=False) if has_older else "",
    )


def _cursor(row: Model, by: str, *, is_newer: bool) -> str:
    place = json.dumps([is_newer, getattr(row, by).isoformat(), row.pk])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def cursor_is_good(cursor: str) -> bool:
    """Say whether a cursor is one that a page has given."""
    return _cursor_read(cursor) is not None


def _cursor_read(cursor: str) -> tuple[bool, datetime, int | str] | None:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        is_newer, at, pk = json.loads(
            base64.b64decode(padded.encode("ascii"), b"-_", validate=True)
        )
        moment = datetime.fromisoformat(at)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    is_key = isinstance(pk, str) and "\x00" not in pk and len(pk) <= 64
    is_number = isinstance(pk, int) and 0 <= pk < 2**63
    if not isinstance(is_newer, bool) or moment.tzinfo is None or not (is_key or is_number):
        return None
    return is_newer, moment, pk
