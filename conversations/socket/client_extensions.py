"""What a client reads of a frame, by the extensions it named when it opened the session."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, cast

from conversations.journal.frames import PREFIX, EventType, Frame, Level
from conversations.models.conversation import APP
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
    if APP in extensions and any(map(_is_file, frame["payload"].get("attachments") or ())):
        files = [_as_address(one, locale) for one in frame["payload"]["attachments"]]
        frame = cast(Frame, {**frame, "payload": {**frame["payload"], "attachments": files}})
    if "content" in frame["payload"] and "rich_content" not in extensions:
        kept = {key: value for key, value in frame["payload"].items() if key != "content"}
        return cast(Frame, {**frame, "payload": kept})
    return frame


def _is_file(attachment: dict[str, Any]) -> bool:
    return attachment.get("content_type") == "ATTACHMENT_CONTENT_TYPE_FILE"


def _as_address(attachment: dict[str, Any], locale: str) -> dict[str, Any]:
    """Return a file as an SDK shows one: it drops types of attachments that it does not know."""
    if not _is_file(attachment):
        return attachment
    call = sentence("open_file", locale)
    kind = "ATTACHMENT_CONTENT_TYPE_URL"
    return {**attachment, "content_type": kind, "call_to_action_text": call}


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
