"""Write the search rows, off the path of every message: by a clock, or where a member changed one.

Nothing tells this clock what has changed. Rows that are not final are compared with their journal's
end; conversations without a row are those that began after the newest that has one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from conversations.models import Conversation, ConversationSearch
from conversations.models.review import search_forget
from handoffs.portal.conversations.search_rows import search_rows

BATCH = 200
# A tick works so long at most; the next goes on.
TICK_SECONDS = 8.0
# A conversation's row may be committed so long after the time at which it says it began.
LATE = timedelta(hours=1)
_WRITTEN = (
    *("sequence", "is_final", "first_words", "topic", "outcome", "agent_name", "tags", "ratings"),
    *("words", "masked"),
)


def search_catch_up(
    *,
    seconds: float = TICK_SECONDS,
    before: Callable[[Sequence[str]], None] = lambda ids: None,
) -> int:
    """Write what is missing and what has changed, oldest first; return how many rows it were.

    `before` is called with each batch ahead of its rows: what it does not come to is done again.
    """
    until, written = time.monotonic() + seconds, 0
    for stale in (_changed, _missing):
        while batch := stale():
            before(batch)
            written += search_refresh(batch)
            if time.monotonic() > until:
                return written
    return written


def search_refresh(conversation_ids: Sequence[str]) -> int:
    """Write the rows of these conversations now."""
    rows = Conversation.objects.filter(pk__in=conversation_ids)
    made = search_rows(list(rows.select_related("channel", "end_user").defer("page")))
    ConversationSearch.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["conversation"], update_fields=_WRITTEN
    )
    return len(made)


def search_renew(conversation_id: str) -> None:
    """Write a row anew for what a member has changed; one that is not there is the clock's.

    The clock still comes to what it has not finished: others follow its batches.
    """
    row = ConversationSearch.objects.filter(conversation=conversation_id).only("is_final").first()
    if row is not None:
        search_refresh([conversation_id])
        if not row.is_final:
            search_forget([conversation_id])


def _changed() -> list[str]:
    """Return conversations that went on, or ended, since their row was written."""
    is_over = Q(conversation__state=Conversation.State.ENDED)
    has_more = ~Q(sequence=F("conversation__last_sequence"))
    rows = ConversationSearch.objects.filter(has_more | is_over, is_final=False)
    return list(rows.order_by("pk").values_list("conversation_id", flat=True)[:BATCH])


def _missing() -> list[str]:
    """Return the oldest conversations without a row that began after those that have one."""
    newest = ConversationSearch.objects.aggregate(at=Max("started_at"))["at"]
    return list(_unwritten(newest).values_list("pk", flat=True)[:BATCH])


def _unwritten(newest: datetime | None) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(search=None)
    if newest is not None:
        rows = rows.filter(started_at__gte=newest - LATE)
    return rows.order_by("started_at")
