"""What a client reads of a frame, by the extensions it named when it opened the session."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, cast

from conversations.journal.frames import PREFIX, EventType, Frame, Level
from conversations.models.conversation import APP
from integrations.behaviour.sentences import sentence

_BATCH = PREFIX + EventType.EVENT_BATCH
_URL = "ATTACHMENT_CONTENT_TYPE_URL"
_SHOWN_BY_APPS = (_URL, "ATTACHMENT_CONTENT_TYPE_IMAGE")
_CHANGED = PREFIX + EventType.LIVE_AGENT_MESSAGE_CHANGED
_AI_JOINED = PREFIX + EventType.POLY_AGENT_JOINED
_AI_SPEAKS = PREFIX + EventType.POLY_AGENT_MESSAGE
_JOINED = PREFIX + EventType.LIVE_AGENT_JOINED
_SPEAKS = PREFIX + EventType.LIVE_AGENT_MESSAGE
_TYPES = PREFIX + EventType.LIVE_AGENT_TYPING
# The AI agent has no id.
_AI = ""


def frame_shown(frame: Frame, extensions: Set[str], locale: str = "") -> Frame:
    """Return the frame as the client reads it; a batch is its frames."""
    if frame["type"] == _BATCH:
        events = [frame_shown(one, extensions, locale) for one in frame["payload"]["events"]]
        return cast(Frame, {**frame, "payload": {"events": events}})
    if frame["type"] == _CHANGED and "message_changes" not in extensions:
        return _change_in_words(frame, locale)
    if APP in extensions and any(map(_is_strange, frame["payload"].get("attachments") or ())):
        files = [_as_address(one, locale) for one in frame["payload"]["attachments"]]
        frame = cast(Frame, {**frame, "payload": {**frame["payload"], "attachments": files}})
    if "content" in frame["payload"] and "rich_content" not in extensions:
        kept = {key: value for key, value in frame["payload"].items() if key != "content"}
        return cast(Frame, {**frame, "payload": kept})
    return frame


def _is_strange(attachment: dict[str, Any]) -> bool:
    """Say whether an SDK drops an attachment: it knows two types and no other, not even later."""
    return attachment.get("content_type") not in _SHOWN_BY_APPS


def _as_address(attachment: dict[str, Any], locale: str) -> dict[str, Any]:
    """Return whatever an SDK would drop as an address with a title and a call to action."""
    if not _is_strange(attachment):
        return attachment
    url = str(attachment.get("content_url") or "")
    return {
        **attachment,
        "content_type": _URL,
        "title": attachment.get("title") or attachment.get("file_name") or url,
        "call_to_action_text": sentence("open_file", locale),
    }


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


class Speakers:
    """The names and pictures that one client was told of, by the id of who has them.

    The journal says both once, when somebody joins. The mobile SDKs read them of each message too.
    """

    def __init__(self) -> None:
        """Know nobody yet."""
        self._known: dict[str, dict[str, str]] = {}

    def named(self, frame: Frame) -> Frame:
        """Return a frame with the name and the picture of who speaks; note who joins in it."""
        kind, payload = frame["type"], frame["payload"]
        if kind == _BATCH:
            events = [self.named(one) for one in payload["events"]]
            return cast(Frame, {**frame, "payload": {"events": events}})
        if kind == _AI_JOINED:
            self._keep(_AI, payload["agent_name"], payload["agent_avatar_url"])
        elif kind == _JOINED:
            agent = payload["agent"]
            self._keep(agent["id"], agent["name"], agent["avatar_url"])
        elif kind in (_AI_SPEAKS, _SPEAKS, _TYPES):
            return self._with_speaker(frame, _AI if kind == _AI_SPEAKS else payload["agent_id"])
        return frame

    def _keep(self, key: str, name: str, picture: str) -> None:
        told = {"agent_name": name, "avatar_url": picture}
        self._known[key] = {field: value for field, value in told.items() if value}

    def _with_speaker(self, frame: Frame, key: str) -> Frame:
        known: dict[str, Any] = dict(self._known.get(key, {}))
        if frame["type"] == _TYPES:
            known.pop("avatar_url", None)
        return cast(Frame, {**frame, "payload": {**known, **frame["payload"]}})
