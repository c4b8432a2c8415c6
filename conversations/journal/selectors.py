"""Read the journal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import QuerySet

from conversations.journal.frames import EventType, Frame, frame_of
from conversations.models import Conversation, Event

SPEAKERS = {
    EventType.USER_MESSAGE: "user",
    EventType.POLY_AGENT_MESSAGE: "bot",
    EventType.LIVE_AGENT_MESSAGE: "live_agent",
    EventType.SYSTEM_MESSAGE: "system",
}


_CHANGED = EventType.LIVE_AGENT_MESSAGE_CHANGED
EDITED, TAKEN_BACK = "[edited]", "[This message was taken back.]"


class TranscriptEntry(TypedDict):
    """One line of a transcript; `sender` is user, bot, live_agent or system."""

    ts: datetime
    sender: str
    text: str


def conversation_by_session(session_id: str) -> Conversation | None:
    """Return the conversation of a session id, or None for anything else."""
    try:
        key = uuid.UUID(session_id)
    except ValueError:
        return None
    return Conversation.objects.select_related("channel", "project").filter(session_id=key).first()


def frames_after(conversation_id: str, sequence: int, *, limit: int = 500) -> list[Frame]:
    """Return the journal's frames after a sequence, oldest first."""
    events = Event.objects.filter(conversation_id=conversation_id, sequence__gt=sequence)
    return [frame_of(event) for event in events.order_by("sequence")[:limit]]


def joinings_until(conversation_id: str, sequence: int) -> list[Frame]:
    """Return the frames that name who joined, up to a sequence."""
    events = Event.objects.filter(
        conversation_id=conversation_id,
        sequence__lte=sequence,
        type__in=(EventType.POLY_AGENT_JOINED, EventType.LIVE_AGENT_JOINED),
    )
    return [frame_of(event) for event in events.order_by("sequence")]


def journal_ends(conversation_ids: Sequence[str]) -> dict[str, int]:
    """Return the last sequence of each conversation."""
    rows = Conversation.objects.filter(pk__in=conversation_ids)
    return dict(rows.values_list("pk", "last_sequence"))


def event_by_client_id(conversation: Conversation, client_event_id: str) -> Event | None:
    """Return the line that a client has sent under this id before, if any."""
    if not client_event_id:
        return None
    return Event.objects.filter(conversation=conversation, client_event_id=client_event_id).first()


def messages_unanswered(conversation: Conversation) -> QuerySet[Event]:
    """Return the end user's messages with which the AI agent has not dealt."""
    return Event.objects.filter(
        conversation=conversation,
        type=EventType.USER_MESSAGE,
        sequence__gt=conversation.answered_sequence,
    )


def transcript_get(
    conversation: Conversation,
    *,
    after_sequence: int = 0,
    until_sequence: int | None = None,
    unanswered_from: int | None = None,
    limit: int = 500,
) -> list[TranscriptEntry]:
    """Return the newest `limit` lines of what was said, oldest first.

    What the end user has said from `unanswered_from` on is left out, what others have said
    meanwhile is not.
    """
    events = Event.objects.filter(conversation=conversation, type__in=[*SPEAKERS, _CHANGED])
    if after_sequence:
        events = events.filter(sequence__gt=after_sequence)
    if until_sequence is not None:
        events = events.filter(sequence__lte=until_sequence)
    if unanswered_from is not None:
        events = events.exclude(type=EventType.USER_MESSAGE, sequence__gte=unanswered_from)
    newest: Sequence[Event] = list(events.order_by("-sequence")[:limit])[::-1]
    changes = {row.payload["message_id"]: row.payload for row in newest if row.type == _CHANGED}
    said = [event for event in newest if event.type != _CHANGED]
    return [_entry(event, changes.get(str(event.pk))) for event in said]


def said_text(event: Event) -> str:
    """Return what a line says, what it offers included, as text."""
    payload = event.payload
    if text_form := (payload.get("content") or {}).get("text_form"):
        return str(text_form)
    text = str(payload.get("text") or payload.get("message") or "")
    return offered_text(text, payload) if event.type == EventType.POLY_AGENT_MESSAGE else text


def offered_text(text: str, offers: Mapping[str, Any]) -> str:
    """Return a text of the AI agent with what it offers as lines below, for whoever only reads."""
    replies = [one.get("message_text") for one in offers.get("response_suggestions") or ()]
    lines = [text, *(f"{number}. {reply}" for number, reply in enumerate(replies, start=1))]
    for one in offers.get("attachments") or ():
        if not one.get("file_id"):
            lines.append(_labelled(one.get("title"), one.get("content_url")))
    for one in offers.get("chat_call_actions") or ():
        lines.append(_labelled(one.get("title"), one.get("contact_number")))
    return "\n".join(filter(None, lines))


def _labelled(label: str | None, target: str | None) -> str:
    return f"{label} ({target})" if label and target else label or target or ""


def changed_text(change: Mapping[str, Any]) -> str:
    """Return what a message reads since it was edited or taken back."""
    return TAKEN_BACK if change["is_deleted"] else f"{change['text']} {EDITED}"


def _entry(event: Event, change: Mapping[str, Any] | None) -> TranscriptEntry:
    text = changed_text(change) if change else said_text(event)
    is_gone = bool(change and change["is_deleted"])
    shown = [] if is_gone else event.payload.get("attachments", [])
    files = [file for file in shown if file.get("file_id")]
    names = [file.get("title", "") for file in files]
    text = "\n".join(filter(None, [text, *(f"[File: {name}]" for name in names)]))
    sender = SPEAKERS[EventType(event.type)]
    return {"ts": event.created_at, "sender": sender, "text": text}
