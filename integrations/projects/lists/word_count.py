"""Count a list that words narrow, row by row, where nearly all rows have them."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, Q, QuerySet, Subquery, When
from django.db.models import Count as CountOf

from integrations.projects.lists.paging import COUNTED_MAX, Count, KeysetPage

# So many rows may stand for one that has the words: with more, their index is quicker.
ROWS_FOR_ONE = 1.1
# So many of the newest rows are looked through.
LOOKED_THROUGH = 12_000


def common_words_count(
    page: KeysetPage[Any], any_words: QuerySet[Any], has_words: Subquery, by: str
) -> Count | None:
    """Count the rows that have the words, newest first; None where their index has to tell."""
    if not page.rows:
        return None
    looked = Case(When(_are_common(page, any_words, by), then=has_words))
    newest = any_words.annotate(has=looked).order_by(f"-{by}", "-pk")[:LOOKED_THROUGH]
    has = CountOf("pk", filter=Q(has=True))
    found = newest.aggregate(rows=CountOf("pk"), looked=CountOf("has"), has=has)
    if found["has"] > COUNTED_MAX:
        return Count(COUNTED_MAX, True)
    if not found["looked"] or found["rows"] == LOOKED_THROUGH:
        return None
    return Count(found["has"], False)


def _are_common(page: KeysetPage[Any], any_words: QuerySet[Any], by: str) -> Q:
    """Match where few rows lie before the end of a page that have not the words."""
    passed = any_words.filter(**{f"{by}__gte": getattr(page.rows[-1], by)})
    if page.newer:
        passed = passed.filter(**{f"{by}__lte": getattr(page.rows[0], by)})
    most = int(len(page.rows) * ROWS_FOR_ONE)
    return ~Q(Exists(passed.order_by()[most : most + 1]))
