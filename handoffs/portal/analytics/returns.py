"""Who came back: the start of an end user's next conversation, kept with the fact of the last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from conversations.models import Conversation, ConversationFact

# The longest time after which somebody counts as coming back.
LONGEST = timedelta(days=7)


def is_known(conversation: Conversation) -> bool:
    """Say whether the same person would be known again: by a verified id, or a number."""
    person = conversation.end_user
    return person.is_verified or (bool(person.phone) and conversation.is_by_text)


def returns_write(conversations: Sequence[Conversation]) -> list[ConversationFact]:
    """Write into facts when their end users began again; return those that it changed."""
    people = {row.end_user_id for row in conversations}
    if not people:
        return []
    first = min(row.started_at for row in conversations) - LONGEST
    rows = Conversation.objects.filter(end_user__in=people, started_at__gte=first)
    begun: defaultdict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for person, at, pk in rows.values_list("end_user_id", "started_at", "pk"):
        begun[person].append((at, pk))
    by_key: dict[str, list[tuple[datetime, str]]] = {}
    for starts in begun.values():
        if len(starts) > 1:
            starts.sort()
            by_key.update(dict.fromkeys((pk for _, pk in starts), starts))
    changed = []
    for fact in ConversationFact.objects.filter(pk__in=by_key, ended_at__isnull=False):
        start = _next(by_key[fact.pk], fact)
        if start and start != fact.next_started_at:
            fact.next_started_at = start
            changed.append(fact)
    ConversationFact.objects.bulk_update(changed, ["next_started_at"])
    return changed


def _next(begun: Sequence[tuple[datetime, str]], fact: ConversationFact) -> datetime | None:
    """Return when the next one began, at the end of this one or later."""
    ended = fact.ended_at
    assert ended is not None
    later = (at for at, pk in begun if at >= ended and pk != fact.pk)
    start = next(later, None)
    return start if start and start - ended <= LONGEST else None
