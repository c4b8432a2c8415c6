"""What one line of a handoff's timeline says, for each kind of row it is made from."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from datetime import datetime

from conversations.journal.selectors import changed_text, said_text
from conversations.models import Event, Survey
from conversations.models.survey import SCALE
from handoffs.models import Delivery, Handoff, HandoffTransition, PastAttempt, VendorEvent
from handoffs.portal.one_handoff.wording import END_REASONS, duration_text, failure_explanation
from handoffs.states import EndReason, State
from integrations.contract.integration_keys import vendor_name
from integrations.contract.rich_content import Author
from integrations.http.recording import call_failed
from integrations.models import VendorCall

HIDDEN_TEXT = "Text hidden: it needs the right to see personal data."


class Kind(enum.Enum):
    """The three kinds that the timeline tells apart by shape and colour."""

    HANDOFF = "handoff"
    SAID = "said"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One moment of the timeline; `rank` orders moments that share a timestamp."""

    kind: Kind
    at: datetime
    rank: int
    anchor: str
    title: str
    tone: str = "neutral"
    text: str = ""
    is_hidden: bool = False
    is_minor: bool = False
    note: str = ""
    meta: tuple[str, ...] = ()
    request_body: str = ""
    response_body: str = ""

    @property
    def is_problem(self) -> bool:
        """Say whether an operator looks for this moment first."""
        return self.tone in ("error", "warning")


# Who speaks in which event of the journal, and the events that say something happened.
_SPEAKERS = {
    "USER_MESSAGE": "End user",
    "POLY_AGENT_MESSAGE": "AI agent",
    "LIVE_AGENT_MESSAGE": "Live agent",
    "SYSTEM_MESSAGE": "Baton to the end user",
}
_SHOWN = {
    "SESSION_START": "The conversation began",
    "POLY_AGENT_JOINED": "Journal: the AI agent answers",
    "POLY_AGENT_TRIGGERED_HANDOFF": "Journal: a handoff was asked for",
    "POLY_AGENT_LEFT": "Journal: the AI agent left",
    "HANDOFF_ACCEPTED": "Journal: the handoff was accepted",
    "HANDOFF_FAILED": "Journal: the handoff failed",
    "HANDOFF_TIMEOUT": "Journal: nobody joined in time",
    "LIVE_AGENT_JOINED": "Journal: a live agent joined",
    "LIVE_AGENT_LEFT": "Journal: the live agent left",
    "CLIENT_HANDOFF_REQUIRED": "Journal: the client must take over",
    "USER_END_SESSION": "The end user ended the conversation",
    "USER_CANCEL_HANDOFF": "The end user cancelled the handoff",
    "USER_RETRY_MESSAGE": "The end user sent a message again",
    "SHOW_CSAT_REQUEST": "Journal: the survey was asked for",
    "SESSION_END": "The conversation ended",
}
# The journal's own account of what the states above already say stays in small print.
_MAJOR = frozenset({"USER_END_SESSION", "USER_CANCEL_HANDOFF", "USER_RETRY_MESSAGE"})
_LEVEL_TONES = {
    "SYSTEM_MESSAGE_LEVEL_ERROR": "error",
    "SYSTEM_MESSAGE_LEVEL_WARNING": "warning",
}
# Receipts are shown at the message they are about, by its delivery.
QUIET_TYPES = ("LIVE_AGENT_READ_MESSAGE", "LIVE_AGENT_RECEIVED_MESSAGE")

# What could not be done with an event, as the inbox keeps it.
_NOTES = {
    "not_drawn": "could not be drawn: {detail}",
    "image_not_fetched": "shown without images that could not be fetched: {detail}",
}
_DELIVERY_WORDS = {
    Delivery.Status.PENDING: ("waiting to be sent", "info"),
    Delivery.Status.SENT: ("sent", "ok"),
    Delivery.Status.DELIVERED: ("delivered", "ok"),
    Delivery.Status.READ: ("read", "ok"),
    Delivery.Status.FAILED: ("not delivered", "error"),
}
_STATE_TITLES = {
    State.REQUESTED: "Handoff requested",
    State.CONNECTING: "A relay worker took the handoff",
    State.QUEUED: "{vendor} accepted it; waiting for a live agent",
    State.ACTIVE: "A live agent joined",
    State.ENDED: "Handoff ended",
    State.FAILED: "Handoff failed",
}
_STATE_TONES = {State.ACTIVE: "ok", State.FAILED: "error"}


def fallback_entry(transition: HandoffTransition, past: PastAttempt, handoff: Handoff) -> Entry:
    """Describe the fallback from one integration to another."""
    first, second = vendor_name(past.integration_key), vendor_name(handoff.integration_key)
    return Entry(
        kind=Kind.HANDOFF,
        at=transition.at,
        rank=1,
        anchor=f"t{transition.pk}",
        title=f"Attempt {past.number + 1}: {second} in place of {first}",
        tone="warning",
        text=failure_explanation(past.error_code, first).cause,
        note=transition.detail,
        meta=(f"{transition.from_state} → {transition.to_state}", transition.trigger),
    )


def transition_entry(transition: HandoffTransition, handoff: Handoff, vendor: str) -> Entry:
    """Describe a move of the state machine."""
    state = State(transition.to_state)
    return Entry(
        kind=Kind.HANDOFF,
        at=transition.at,
        rank=1,
        anchor=f"t{transition.pk}",
        title=_STATE_TITLES[state].format(vendor=vendor),
        tone=_STATE_TONES.get(state, "neutral"),
        text=_why(state, handoff, vendor),
        note=transition.detail,
        meta=(f"{transition.from_state or 'new'} → {transition.to_state}", transition.trigger),
    )


_RATED = {"bot": "AI agent", "live_agent": "Live agent"}


def survey_entry(survey: Survey, *, may_read_text: bool) -> Entry:
    """Describe what the end user answered to the survey."""
    assert survey.answered_at is not None
    given = [
        f"{_RATED[subject]} rated {score} of {SCALE}"
        for subject, score in survey.scores.items()
        if score is not None
    ]
    return Entry(
        kind=Kind.SAID,
        at=survey.answered_at,
        rank=3,
        anchor=f"survey{survey.pk}",
        title="End user: " + (", ".join(given) or "the survey was skipped"),
        text=survey.comment if may_read_text else "",
        is_hidden=bool(survey.comment) and not may_read_text,
        meta=("survey",),
    )


def requested_entry(handoff: Handoff) -> Entry:
    """Describe the beginning, for a handoff whose first row is not a transition."""
    return Entry(
        kind=Kind.HANDOFF,
        at=handoff.requested_at,
        rank=0,
        anchor="requested",
        title=_STATE_TITLES[State.REQUESTED],
        meta=(handoff.integration_key or "default destination", handoff.environment),
    )


def note_entry(handoff: Handoff, *, may_read_text: bool) -> Entry:
    """Describe what the live agent alone was told."""
    return Entry(
        kind=Kind.SAID,
        at=handoff.requested_at,
        rank=3,
        anchor="note",
        title="Private note to the live agent",
        text=str(handoff.routing["note"]) if may_read_text else "",
        is_hidden=not may_read_text,
        meta=("the end user does not see it",),
    )


_SUMMARY_BY = {
    "tool": "by the tool or AI agent that handed off",
    "sentences": "of the conversation's own sentences",
    "model": "by the project's language model",
}


def summary_entry(handoff: Handoff, *, may_read_text: bool) -> Entry:
    """Describe the summary that went along, and who has made it."""
    kept = handoff.summary or {}
    seconds = kept.get("milliseconds", 0) / 1000
    return Entry(
        kind=Kind.VENDOR,
        at=handoff.requested_at,
        rank=3,
        anchor="summary",
        title=f"Summary for the live agent: {_SUMMARY_BY.get(kept['by'], kept['by'])}",
        tone="warning" if kept.get("why") else "neutral",
        text=str(kept["text"]) if may_read_text else "",
        is_hidden=not may_read_text,
        note=str(kept.get("why", "")),
        meta=(f"{seconds:.1f} s",) if seconds else (),
    )


def event_entry(
    event: Event, delivery: Delivery | None, *, vendor: str, may_read_text: bool
) -> Entry:
    """Describe a line of the journal; without the right to read, its text stays hidden."""
    event_type = event.type.removeprefix("EVENT_TYPE_")
    speaker = _speaker(event, event_type, vendor)
    if not speaker:
        return _shown_entry(event, event_type)
    level = _LEVEL_TONES.get(str(event.payload.get("level", "")), "neutral")
    note, tone = _delivery_note(delivery, vendor) if delivery else ("", level)
    return Entry(
        kind=Kind.SAID,
        at=event.created_at,
        rank=2,
        anchor=f"e{event.sequence}",
        title=speaker,
        tone=tone,
        text=_said(event) if may_read_text else "",
        is_hidden=not may_read_text,
        note=note,
        meta=(f"event {event.sequence}",),
    )


def _speaker(event: Event, event_type: str, vendor: str) -> str:
    """Name who speaks in a line, or changes what was said; empty where nobody does."""
    if event_type == "LIVE_AGENT_MESSAGE_CHANGED":
        return (
            f"{vendor}: a message was {'taken back' if event.payload['is_deleted'] else 'edited'}"
        )
    if event.payload.get("by") == Author.VENDOR_BOT.value:
        return f"{vendor}'s bot {event.payload.get('agent_name', '')}".strip()
    return _SPEAKERS.get(event_type, "")


def call_entry(call: VendorCall) -> Entry:
    """Describe a request to the vendor and its answer; bodies were masked when stored."""
    has_failed = call_failed(call.error_code, call.status, is_expected=call.is_expected)
    answer = str(call.status) if call.status is not None else "no answer"
    return Entry(
        kind=Kind.VENDOR,
        at=call.at,
        rank=3,
        anchor=f"c{call.pk}",
        title=f"{call.method} {call.path}".strip(),
        tone="error" if has_failed else "neutral",
        note=f"{answer}{f', {call.error_code}' if call.error_code else ''}",
        meta=(call.operation, _duration(call.duration_ms)),
        request_body=_pretty(call.request_body),
        response_body=_pretty(call.response_body),
    )


def vendor_event_entry(row: VendorEvent, vendor: str) -> Entry:
    """Describe an event that the vendor sent; what was said in it is its own entry."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", row.kind).lower()
    delay = (row.received_at - row.occurred_at).total_seconds()
    late = (f"received {delay:.1f} s later",) if delay >= 1 else ()
    return Entry(
        kind=Kind.VENDOR,
        at=row.received_at,
        rank=0,
        anchor=f"v{row.pk}",
        title=f"{vendor} reported: {words}",
        tone="warning" if row.notes else "neutral",
        note="; ".join(_NOTES[one["code"]].format(**one) for one in row.notes or ()),
        meta=(f"id {row.vendor_event_id}", *late),
    )


def _why(state: State, handoff: Handoff, vendor: str) -> str:
    if state is State.FAILED:
        return failure_explanation(handoff.error_code, vendor).cause
    if state is State.ENDED and handoff.end_reason:
        reason = END_REASONS[EndReason(handoff.end_reason)].format(vendor=vendor)
        return f"{reason[0].upper()}{reason[1:]}."
    return ""


def _shown_entry(event: Event, event_type: str) -> Entry:
    return Entry(
        kind=Kind.HANDOFF,
        at=event.created_at,
        rank=2,
        anchor=f"e{event.sequence}",
        title=_SHOWN.get(event_type, f"Journal: {event_type.replace('_', ' ').lower()}"),
        is_minor=event_type not in _MAJOR,
        meta=(f"event {event.sequence}", event_type),
    )


def _delivery_note(delivery: Delivery, vendor: str) -> tuple[str, str]:
    words, tone = _DELIVERY_WORDS[Delivery.Status(delivery.status)]
    parts = [f"To {vendor}: {words}"]
    if delivery.sent_at:
        spent = (delivery.sent_at - delivery.created_at).total_seconds() * 1000
        parts.append(f"after {max(0, round(spent))} ms")
    if delivery.attempts > 1:
        parts.append(f"{delivery.attempts} attempts")
    if delivery.error_code:
        parts.append(delivery.error_code)
    if delivery.error_detail:
        parts.append(delivery.error_detail)
    return ", ".join(parts), tone


def _said(event: Event) -> str:
    is_change = "is_deleted" in event.payload
    text = changed_text(event.payload) if is_change else said_text(event)
    files = [file for file in event.payload.get("attachments") or [] if file.get("file_id")]
    if files:
        return f"{text}\n[{len(files)} attached]".strip()
    return str(text)


def _duration(milliseconds: int) -> str:
    if milliseconds < 10_000:
        return f"{milliseconds} ms"
    return duration_text(milliseconds / 1000)


def _pretty(body: object) -> str:
    return "" if body is None else json.dumps(body, indent=2, ensure_ascii=False)
