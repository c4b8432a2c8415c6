"""One conversation as one text: what was said, who came and went, what tools did between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conversations.journal.frames import EventType
from conversations.journal.selectors import changed_text, said_text
from conversations.models import Conversation, Event, LogEntry
from handoffs.models import Delivery, Handoff
from handoffs.portal.conversations.listing import conversation_badge
from handoffs.portal.one_handoff.wording import duration_text, failure_explanation
from integrations.contract.integration_keys import vendor_name

LINES_MAX, LOG_MAX = 500, 500
HIDDEN = "Hidden"
_CHANGED = EventType.LIVE_AGENT_MESSAGE_CHANGED
_SIDES: dict[str, tuple[str, str]] = {
    EventType.USER_MESSAGE: ("user", "End user"),
    EventType.POLY_AGENT_MESSAGE: ("ai", "AI agent"),
    EventType.LIVE_AGENT_MESSAGE: ("live", "Live agent"),
    EventType.SYSTEM_MESSAGE: ("system", "Baton"),
}
# What happened, as a line across the page; all else of the journal is left to the timeline.
_DIVIDERS: dict[str, str] = {
    EventType.SESSION_START: "The conversation began",
    EventType.POLY_AGENT_JOINED: "{agent} answers",
    EventType.POLY_AGENT_TRIGGERED_HANDOFF: "A live agent was asked for",
    EventType.POLY_AGENT_LEFT: "The AI agent left",
    EventType.HANDOFF_ACCEPTED: "{vendor} took the conversation; waiting for a live agent",
    EventType.HANDOFF_FAILED: "The handoff failed",
    EventType.HANDOFF_TIMEOUT: "Nobody joined in time",
    EventType.LIVE_AGENT_JOINED: "{agent} joined from {vendor}",
    EventType.LIVE_AGENT_LEFT: "The live agent left",
    EventType.CLIENT_HANDOFF_REQUIRED: "The page or app takes over",
    EventType.USER_CANCEL_HANDOFF: "The end user stopped waiting",
    EventType.USER_END_SESSION: "The end user ended the conversation",
    EventType.SESSION_END: "The conversation ended",
}
_READ = (*_SIDES, _CHANGED, *_DIVIDERS)
_FATES = {
    Delivery.Status.PENDING: "Not sent yet",
    Delivery.Status.SENT: "Sent",
    Delivery.Status.DELIVERED: "Delivered",
    Delivery.Status.READ: "Read",
    Delivery.Status.FAILED: "Not delivered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the page: `kind` is said, happened or tool; `side` says who speaks."""

    kind: str
    at: datetime
    anchor: str
    title: str
    side: str = ""
    text: str = ""
    is_hidden: bool = False
    fate: str = ""
    is_failed: bool = False
    files: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The lines, oldest first; `earlier` asks for those before, 0 where there are none."""

    lines: list[Line]
    earlier: int
    handoffs: list[Handoff]


def reading_get(
    conversation: Conversation,
    *,
    sees_personal_data: bool,
    before: int = 0,
    lines_max: int = LINES_MAX,
) -> Reading:
    """Return what happened in a conversation in three statements, its newest lines where long."""
    events = Event.objects.filter(conversation=conversation, type__in=_READ)
    if before:
        events = events.filter(sequence__lt=before)
    newest = events.select_related("delivery").order_by("-sequence")[: lines_max + 1]
    rows: Sequence[Event] = list(newest)[::-1]
    is_cut = len(rows) > lines_max
    rows = rows[-lines_max:]
    handoffs = list(
        Handoff.objects.filter(conversation=conversation)
        .defer("vendor_session", "routing", "context_data", "early_changes")
        .order_by("requested_at")
    )
    writer = _Writer(conversation, rows, handoffs, sees_personal_data)
    tools = _tools(conversation, rows, is_cut or bool(before), sees_personal_data)
    lines = sorted([*writer.lines(), *tools], key=lambda line: line.at)
    return Reading(lines=lines, earlier=rows[0].sequence if is_cut else 0, handoffs=handoffs)


class _Writer:
    """Says each line of the journal in words."""

    def __init__(
        self,
        conversation: Conversation,
        events: Sequence[Event],
        handoffs: Sequence[Handoff],
        sees_all: bool,
    ) -> None:
        self._conversation, self._events = conversation, events
        self._handoffs, self._sees_all = handoffs, sees_all
        changed = [event.payload for event in events if event.type == _CHANGED]
        self._changes: dict[str, Any] = {one["message_id"]: one for one in changed}

    def lines(self) -> Iterator[Line]:
        for event in self._events:
            if event.type in _SIDES:
                yield self._said(event)
            elif event.type in _DIVIDERS:
                yield self._happened(event)

    def _said(self, event: Event) -> Line:
        side, speaker = _SIDES[event.type]
        payload, change = event.payload, self._changes.get(str(event.pk))
        text = changed_text(change) if change else said_text(event)
        is_gone = bool(change and change["is_deleted"])
        delivery: Delivery | None = getattr(event, "delivery", None)
        is_personal = side != "system" and not self._sees_all
        return Line(
            kind="said",
            at=event.created_at,
            anchor=f"event-{event.sequence}",
            title=self._speaker(payload, side, speaker),
            side=side,
            text=HIDDEN if is_personal else text,
            is_hidden=is_personal,
            fate=_fate(delivery),
            is_failed=bool(delivery and delivery.status == Delivery.Status.FAILED),
            files=() if is_personal or is_gone else _files(payload),
        )

    def _speaker(self, payload: Any, side: str, speaker: str) -> str:
        if side == "live":
            return str(payload.get("agent_name") or speaker)
        if side == "ai":
            return self._conversation.project.agent_name
        person = self._conversation.end_user
        return person.name if side == "user" and self._sees_all and person.name else speaker

    def _happened(self, event: Event) -> Line:
        joined = event.payload.get("agent") or {}
        agent = str(joined.get("name") or event.payload.get("agent_name") or "")
        handoff = self._handoff_at(event.created_at)
        vendor = vendor_name(handoff.integration_key) if handoff else ""
        fallback = "The AI agent" if event.type == EventType.POLY_AGENT_JOINED else "A live agent"
        title = _DIVIDERS[event.type].format(agent=agent or fallback, vendor=vendor or "the vendor")
        why = ""
        if event.type == EventType.HANDOFF_FAILED and handoff:
            why = failure_explanation(handoff.error_code, vendor or "The vendor").cause
        return Line(
            kind="happened",
            at=event.created_at,
            anchor=f"event-{event.sequence}",
            title=title,
            text=why,
        )

    def _handoff_at(self, at: datetime) -> Handoff | None:
        begun = [handoff for handoff in self._handoffs if handoff.requested_at <= at]
        return begun[-1] if begun else None


def _fate(delivery: Delivery | None) -> str:
    if delivery is None:
        return ""
    fate = _FATES[Delivery.Status(delivery.status)]
    return f"{fate}: {delivery.error_code}" if delivery.error_code else fate


def _files(payload: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(file.get("title") or "File"), str(file.get("content_url") or ""))
        for file in payload.get("attachments") or ()
        if file.get("file_id")
    )


def _tools(
    conversation: Conversation, events: Sequence[Event], is_part: bool, sees_all: bool
) -> Iterator[Line]:
    """Yield what tools wrote while these lines were said."""
    rows = LogEntry.objects.filter(conversation=conversation)
    if is_part and events:
        rows = rows.filter(at__gte=events[0].created_at, at__lte=events[-1].created_at)
    for row in rows.order_by("at", "pk")[:LOG_MAX]:
        is_hidden = row.is_pii and not sees_all
        fields = () if is_hidden else tuple((k, str(v)) for k, v in row.fields.items())
        yield Line(
            kind="tool",
            at=row.at,
            anchor=f"log-{row.pk}",
            title=row.source or "Log",
            text=HIDDEN if is_hidden else row.content,
            is_hidden=is_hidden,
            fields=fields,
            level=row.level,
        )


def reading_text(conversation: Conversation, reading: Reading) -> str:
    """Write a conversation for a support case: a line for each line."""
    lines = [f"Conversation {conversation.pk}", conversation_sentence(conversation), ""]
    for line in reading.lines:
        stamp = line.at.isoformat(timespec="seconds")
        if line.kind == "said":
            said = " ".join([line.text, *(f"[File: {name}]" for name, _ in line.files)]).strip()
            lines.append(f"{stamp}  {line.title}: {said}")
        else:
            lines.append(f"{stamp}  -- {line.title}{f': {line.text}' if line.text else ''}")
    return "\n".join(lines) + "\n"


def conversation_sentence(conversation: Conversation, *, now: datetime | None = None) -> str:
    """Say in one sentence how it stands or how it went."""
    badge = conversation_badge(conversation)
    until = conversation.ended_at or now
    spent = (
        f" after {duration_text((until - conversation.started_at).total_seconds())}"
        if until and conversation.ended_at
        else ""
    )
    if conversation.state == Conversation.State.HANDOFF:
        return "A live agent, or the queue for one, has it now."
    if not conversation.ended_at:
        return "The AI agent answers."
    return f"{badge.label}. Ended{spent}."
