"""Write the facts that analytics counts, off the path of every message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from conversations.journal.frames import EventType
from conversations.models import Conversation, ConversationFact, Event, HandoffFact
from conversations.models.conversation import TEST_PANEL
from handoffs.lifecycle.locking import UNLISTED
from handoffs.models import Handoff
from handoffs.portal.analytics.exchange import Exchange, exchanges
from handoffs.portal.analytics.returns import is_known, returns_write
from handoffs.portal.analytics.totals.clock import totals_mark
from handoffs.portal.lists.handoff_list import queue_of
from handoffs.portal.one_handoff.outcomes import handoff_outcome
from handoffs.states import FINAL_STATES

_FINAL = [state.value for state in FINAL_STATES]


@transaction.atomic
def facts_write(conversation_ids: Sequence[str]) -> None:
    """Write the facts of these conversations and of their handoffs, as far as they are over.

    The days that they belong to are due for new totals.
    """
    rows = Conversation.objects.filter(pk__in=conversation_ids).select_related(
        "channel", "survey", "end_user"
    )
    found = [row for row in rows if not row.page.get(TEST_PANEL)]
    handoffs = list(Handoff.objects.filter(conversation__in=found).defer(*UNLISTED))
    facts: list[HandoffFact | ConversationFact] = [*_handoffs(found, handoffs)]
    facts += [*_conversations(found, handoffs), *returns_write(found)]
    totals_mark(facts)


def _handoffs(found: Sequence[Conversation], handoffs: Sequence[Handoff]) -> list[HandoffFact]:
    project_of = {row.pk: row.project_id for row in found}
    ended = [one for one in handoffs if one.state in _FINAL]
    said = exchanges([one.pk for one in ended])
    facts = [_handoff(one, project_of[one.conversation_id], said[one.pk]) for one in ended]
    _upsert(HandoffFact, facts, "handoff_key")
    return facts


def _conversations(
    found: Sequence[Conversation], handoffs: Sequence[Handoff]
) -> list[ConversationFact]:
    counted: defaultdict[str, int] = defaultdict(int)
    for one in handoffs:
        counted[one.conversation_id] += 1
    over = [row for row in found if row.state == Conversation.State.ENDED]
    spoken = _spoken([row.pk for row in over])
    facts = [_conversation(row, counted[row.pk], spoken[row.pk]) for row in over]
    _upsert(ConversationFact, facts, "conversation_key")
    return facts


def _spoken(ids: Sequence[str]) -> defaultdict[str, set[str]]:
    """Return by conversation who has said something."""
    types = (EventType.USER_MESSAGE, EventType.POLY_AGENT_MESSAGE)
    found: defaultdict[str, set[str]] = defaultdict(set)
    lines = Event.objects.filter(conversation__in=ids, type__in=types).order_by()
    for pk, kind in lines.values_list("conversation_id", "type").distinct():
        found[pk].add(kind)
    return found


def _upsert(model: Any, rows: Sequence[Any], key: str) -> None:
    # When somebody comes back is known later, and not forgotten with the conversation.
    kept = (key, "next_started_at")
    names = [field.attname for field in model._meta.fields if field.name not in kept]
    model.objects.bulk_create(rows, update_conflicts=True, unique_fields=[key], update_fields=names)


def _conversation(row: Conversation, handoffs: int, spoken: set[str]) -> ConversationFact:
    survey = getattr(row, "survey", None)
    return ConversationFact(
        conversation_key=row.pk,
        project_id=row.project_id,
        environment=row.environment,
        channel=row.channel_type.partition(".")[0],
        started_at=row.started_at,
        has_words=EventType.USER_MESSAGE in spoken,
        has_answer=EventType.POLY_AGENT_MESSAGE in spoken,
        handoffs=handoffs,
        is_asked=survey is not None,
        rating_ai_agent=survey.bot_score if survey else None,
        rating_live_agent=survey.live_agent_score if survey else None,
        ended_at=row.ended_at,
        is_known=is_known(row),
    )


def _handoff(row: Handoff, project_id: int, said: Exchange) -> HandoffFact:
    replied = said.first_reply_at if said.is_joining_told else None
    return HandoffFact(
        handoff_key=row.pk,
        conversation_key=row.conversation_id,
        project_id=project_id,
        environment=row.environment,
        channel=row.channel_kind,
        vendor=row.integration_key,
        queue=queue_of(row)[:128],
        topic=row.topic,
        reason=row.reason_code or row.reason,
        outcome=handoff_outcome(row),
        error_code=row.error_code,
        is_broken_off=row.joined_at is not None and row.state == "failed",
        is_queued=row.accepted_at is not None or row.joined_at is not None,
        requested_at=row.requested_at,
        wait_ms=_milliseconds(row.requested_at, row.joined_at),
        handle_ms=_milliseconds(row.joined_at, row.ended_at),
        accept_ms=_milliseconds(row.requested_at, row.accepted_at),
        queue_ms=_milliseconds(row.accepted_at, row.joined_at),
        first_reply_ms=_milliseconds(row.joined_at, replied),
        total_ms=_milliseconds(row.requested_at, row.ended_at),
        end_reason=row.end_reason,
        attempt=row.attempt,
        messages_end_user=said.from_end_user,
        messages_live_agent=said.from_live_agent,
        undelivered=said.undelivered,
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return max(0, round((end - start).total_seconds() * 1000))
