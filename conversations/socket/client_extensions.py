"""What a client reads of a frame, by the extensions it named when it opened the session."""

from __future__ import annotations

from collections.abc import Set
from typing import cast

from conversations.journal.frames import PREFIX, EventType, Frame

_BATCH = PREFIX + EventType.EVENT_BATCH


def frame_shown(frame: Frame, extensions: Set[str]) -> Frame:
    """Return the frame as the client reads it; a batch is its frames."""
    if frame["type"] == _BATCH:
        events = [frame_shown(one, extensions) for one in frame["payload"]["events"]]
        return cast(Frame, {**frame, "payload": {"events": events}})
    if "content" in frame["payload"] and "rich_content" not in extensions:
        kept = {key: value for key, value in frame["payload"].items() if key != "content"}
        return cast(Frame, {**frame, "payload": kept})
    return frame
