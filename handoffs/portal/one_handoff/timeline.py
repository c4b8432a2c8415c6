"""Everything that happened in one handoff, from seven tables, in one order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from conversations.models import Event, Survey
from handoffs.models import Delivery, Handoff, HandoffTransition, PastAttempt
from handoffs.portal.one_handoff.entries import (
    HIDDEN_TEXT,
    QUIET_TYPES,
    Entry,
    Kind,
    call_entry,
    event_entry,
    fallback_entry,
    note_entry,
    requested_entry,
    summary_entry,
    survey_entry,
    transition_entry,
    vendor_event_entry,
)
from handoffs.states import State, Trigger
from integrations.contract.integration_keys import vendor_name
from integrations.models import VendorCall

# What led to the handoff, and the last words after it; the rest is the conversation's own story.
EVENTS_BEFORE = 8
EVENTS_AFTER_END = timedelta(seconds=10)
# A page stays readable; the newest rows matter in a conversation that never ends.
ROWS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The entries, oldest first; `is_cut` says that older ones were left out."""

    entries: list[Entry]
    is_cut: bool


def timeline_get(
    *,
    handoff: Handoff,
    may_read_text: bool,
    kinds: Collection[Kind] = tuple(Kind),
    problems_only: bool = False,
) -> Timeline:
    """Return the timeline in a fixed number of queries, whatever its length."""
    past = handoff.past_attempts.first() if handoff.attempt > 1 else None
    sources = [
        _transitions(handoff, past),
        _events(handoff, may_read_text),
        _calls(handoff),
        _vendor_events(handoff, past),
        _survey(handoff, may_read_text),
    ]
    is_cut = any(len(source) >= ROWS_MAX for source in sources)
    entries = [
        entry
        for source in sources
        for entry in source
        if entry.kind in kinds and (entry.is_problem or not problems_only)
    ]
    entries.sort(key=lambda entry: (entry.at, entry.rank))
    return Timeline(entries=entries, is_cut=is_cut)


def timeline_text(entries: Iterable[Entry]) -> str:
    """Write the timeline for a support case: one line for each moment, details indented."""
    lines: list[str] = []
    for entry in entries:
        meta = f"  ({', '.join(entry.meta)})" if entry.meta else ""
        stamp = entry.at.isoformat(timespec="milliseconds")
        lines.append(f"{stamp}  {entry.kind.value:<7}  {entry.title}{meta}")
        said = HIDDEN_TEXT if entry.is_hidden else entry.text
        details = [said, entry.note, entry.request_body, entry.response_body]
        lines += ["    " + line for detail in details if detail for line in detail.splitlines()]
    return "\n".join(lines) + "\n"


def _transition(row: HandoffTransition, handoff: Handoff, past: PastAttempt | None) -> Entry:
    if past is not None and row.trigger == Trigger.FALL_BACK.value:
        return fallback_entry(row, past, handoff)
    return transition_entry(row, handoff, _vendor_at(handoff, past, row.at))


def _vendor_at(handoff: Handoff, past: PastAttempt | None, at: datetime) -> str:
    """Return whose part of the handoff a moment belongs to."""
    is_first = past is not None and at < past.at
    return vendor_name(past.integration_key if past and is_first else handoff.integration_key)


def _transitions(handoff: Handoff, past: PastAttempt | None) -> list[Entry]:
    rows = list(handoff.transitions.order_by("-id")[:ROWS_MAX])[::-1]
    entries = [_transition(row, handoff, past) for row in rows]
    if not any(row.to_state == State.REQUESTED.value for row in rows):
        entries.insert(0, requested_entry(handoff))
    return entries


def _events(handoff: Handoff, may_read_text: bool) -> list[Entry]:
    vendor = vendor_name(handoff.integration_key)
    deliveries = {row.event_id: row for row in _newest_deliveries(handoff)}
    has_note = bool(handoff.routing.get("note"))
    noted = [note_entry(handoff, may_read_text=may_read_text)] if has_note else []
    if handoff.summary:
        noted.append(summary_entry(handoff, may_read_text=may_read_text))
    return noted + [
        event_entry(event, deliveries.get(event.id), vendor=vendor, may_read_text=may_read_text)
        for event in [*_events_before(handoff), *_events_during(handoff)]
    ]


def _newest_deliveries(handoff: Handoff) -> QuerySet[Delivery]:
    return handoff.deliveries.order_by("-sequence")[:ROWS_MAX]


def _journal(handoff: Handoff) -> QuerySet[Event]:
    quiet = [name for kind in QUIET_TYPES for name in (kind, f"EVENT_TYPE_{kind}")]
    return Event.objects.filter(conversation_id=handoff.conversation_id).exclude(type__in=quiet)


def _events_before(handoff: Handoff) -> list[Event]:
    rows = _journal(handoff).filter(created_at__lt=handoff.requested_at)
    return list(rows.order_by("-sequence")[:EVENTS_BEFORE])[::-1]


def _events_during(handoff: Handoff) -> list[Event]:
    rows = _journal(handoff).filter(created_at__gte=handoff.requested_at)
    if handoff.ended_at:
        rows = rows.filter(created_at__lte=handoff.ended_at + EVENTS_AFTER_END)
    return list(rows.order_by("-sequence")[:ROWS_MAX])[::-1]


def _calls(handoff: Handoff) -> list[Entry]:
    rows = VendorCall.objects.filter(reference=handoff.id).order_by("-at", "-id")[:ROWS_MAX]
    return [call_entry(row) for row in rows][::-1]


def _vendor_events(handoff: Handoff, past: PastAttempt | None) -> list[Entry]:
    rows = handoff.vendor_events.order_by("-id")[:ROWS_MAX]
    return [vendor_event_entry(r, _vendor_at(handoff, past, r.received_at)) for r in rows][::-1]


def _survey(handoff: Handoff, may_read_text: bool) -> list[Entry]:
    rows = Survey.objects.filter(conversation_id=handoff.conversation_id, answered_at__isnull=False)
    return [survey_entry(row, may_read_text=may_read_text) for row in rows]
