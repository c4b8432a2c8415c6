"""What a line of the journal says as a text: all that the widget shows, in words and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conversations.files.types import IMAGE_TYPES
from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.selectors import said_text
from conversations.models import Event
from conversations.sms.outbox import NewText
from conversations.survey.text_form import survey_text
from integrations.behaviour.sentences import sentence
from integrations.connections.carriers.reading import TextLimits
from integrations.contract.carrier import ThreadPolicy

# Said by another line already, or for programs.
_SILENT_CODES = frozenset({"handoff_invalid", "conference_joined"})


def line_text(
    event: Event, *, locale: str, policy: ThreadPolicy, limits: TextLimits
) -> NewText | None:
    """Return what to text of a line; None where there is nothing to say."""
    word = _WORDS.get(EventType(event.type))
    text = word(event.payload, locale, policy) if word else ""
    media: tuple[str, ...] = ()
    if event.type in _SAID:
        files = [one for one in event.payload.get("attachments", []) if one.get("file_id")]
        pictures = _pictures(files, limits) if policy.sends_media else []
        media = tuple(one["content_url"] for one in pictures)
        links = [_link(one) for one in files if one not in pictures]
        text = "\n".join(filter(None, (said_text(event).strip(), *links)))
    if not text and not media:
        return None
    return NewText(
        source=f"{event.conversation_id}:{event.sequence}",
        text=text,
        media=media,
        event_id=event.pk,
    )


_SAID = frozenset({EventType.POLY_AGENT_MESSAGE, EventType.LIVE_AGENT_MESSAGE})


def _link(file: Mapping[str, Any]) -> str:
    return f"{file['title']}: {file['content_url']}"


def _pictures(files: Sequence[Mapping[str, Any]], limits: TextLimits) -> list[Mapping[str, Any]]:
    """Return what goes along itself: as many pictures as fit into one text."""
    found: list[Mapping[str, Any]] = []
    left = limits.media_bytes
    for file in files:
        size = file.get("size_bytes", 0)
        # Phones show these; the others of a browser's are a link.
        is_shown = file.get("mime_type") in IMAGE_TYPES - {"image/webp"}
        if is_shown and size <= left and len(found) < limits.media_files:
            found.append(file)
            left -= size
    return found


def _joined(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    if "joined" not in policy.told:
        return ""
    name = (payload.get("agent") or {}).get("name", "")
    return sentence("another_joined" if name else "another_joined_unnamed", locale, name=name)


def _left(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    if "left" not in policy.told:
        return ""
    name = payload.get("agent_name", "")
    return sentence("one_left" if name else "one_left_unnamed", locale, name=name)


def _failed(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    return str(payload.get("message") or "") or sentence("handoff_failed", locale)


def _system(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    return "" if payload.get("code") in _SILENT_CODES else str(payload.get("message") or "")


def _changed(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    code = "message_deleted" if payload["is_deleted"] else "message_edited"
    return sentence(code, locale, text=payload["text"])


def _ended(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    """Say that it is over, but not to whoever has gone without a word."""
    is_told = "ended" in policy.told and payload.get("reason") != SessionEnd.USER_ABANDONED
    return sentence("conversation_over", locale) if is_told else ""


def _asked(payload: Mapping[str, Any], locale: str, policy: ThreadPolicy) -> str:
    return survey_text(dict(payload), locale)


Words = Callable[[Mapping[str, Any], str, ThreadPolicy], str]
_WORDS: Mapping[EventType, Words] = {
    EventType.LIVE_AGENT_JOINED: _joined,
    EventType.LIVE_AGENT_LEFT: _left,
    EventType.HANDOFF_FAILED: _failed,
    EventType.HANDOFF_TIMEOUT: _failed,
    EventType.SYSTEM_MESSAGE: _system,
    EventType.LIVE_AGENT_MESSAGE_CHANGED: _changed,
    EventType.SESSION_END: _ended,
    EventType.SHOW_CSAT_REQUEST: _asked,
}
