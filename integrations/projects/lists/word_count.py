"""Count a list that words narrow, row by row, where nearly all rows have them."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, Q, QuerySet, Subquery, When
from django.db.models import Count as CountOf

from integrations.projects.lists.paging import COUNTED_MAX, Count, KeysetPage

# So many rows may stand for one that has the words: with more, their index is quicker.
ROWS_FOR_ONE = 1.25
# So many of the newest rows are looked through.
LOOKED_THROUGH = 12_000


def common_words_count(
    page: KeysetPage[Any], any_words: QuerySet[Any], has_words: Subquery, by: str
) -> Count | None:
    """Count the rows that have the words, newest first; None where their index has to tell."""
    if not page.rows:
        return None
    # Without a value where they are not common: nothing is looked at then.
    look = Case(When(_are_common(page, any_words, by), then=has_words))
    newest = any_words.annotate(has_words=look).order_by(f"-{by}", "-pk")[:LOOKED_THROUGH]
    found = CountOf("pk", filter=Q(has_words=True))
    told = newest.aggregate(rows=CountOf("pk"), looked=CountOf("has_words"), found=found)
    if told["found"] > COUNTED_MAX:
        return Count(COUNTED_MAX, True)
    if not told["looked"] or told["rows"] == LOOKED_THROUGH:
        return None
    return Count(told["found"], False)


def _are_common(page: KeysetPage[Any], any_words: QuerySet[Any], by: str) -> Q:
    """Match where few rows lie before the end of a page that have not the words."""
    passed = any_words.filter(**{f"{by}__gte": getattr(page.rows[-1], by)})
    if page.newer:
        passed = passed.filter(**{f"{by}__lte": getattr(page.rows[0], by)})
    most = int(len(page.rows) * ROWS_FOR_ONE)
    return ~Q(Exists(passed.order_by()[most : most + 1]))
