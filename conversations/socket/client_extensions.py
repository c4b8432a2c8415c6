"""What a client reads of a frame, by the extensions it named when it opened the session."""

from __future__ import annotations

from collections.abc import Set
from typing import cast

from conversations.journal.frames import PREFIX, EventType, Frame, Level
from integrations.behaviour.sentences import sentence

_BATCH = PREFIX + EventType.EVENT_BATCH
_CHANGED = PREFIX + EventType.LIVE_AGENT_MESSAGE_CHANGED


def frame_shown(frame: Frame, extensions: Set[str], locale: str = "") -> Frame:
    """Return the frame as the client reads it; a batch is its frames."""
    if frame["type"] == _BATCH:
        events = [frame_shown(one, extensions, locale) for one in frame["payload"]["events"]]
        return cast(Frame, {**frame, "payload": {"events": events}})
    if frame["type"] == _CHANGED and "message_changes" not in extensions:
        return _change_in_words(frame, locale)
    if "content" in frame["payload"] and "rich_content" not in extensions:
        kept = {key: value for key, value in frame["payload"].items() if key != "content"}
        return cast(Frame, {**frame, "payload": kept})
    return frame


def _change_in_words(frame: Frame, locale: str) -> Frame:
    """Return an edit or a deletion for a client that has no place for one."""
    change = frame["payload"]
    code = "message_deleted" if change["is_deleted"] else "message_edited"
    payload = {
        "level": Level.INFO,
        "message": sentence(code, locale, text=change["text"]),
        "code": code,
        "message_id": change["message_id"],
    }
    return cast(Frame, {**frame, "type": PREFIX + EventType.SYSTEM_MESSAGE, "payload": payload})
