"""Rich messages as the pretend agents and bots send them: each content type of the page."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.simulators.digital_content import Content, content_made, contents_with

STREAMED_TEXT = "Your parcel is on its way and arrives tomorrow."


def content_of(kind: str, base_url: str) -> dict[str, Any]:
    """Return messageContent of a kind."""
    return content_made(_CONTENTS[kind], base_url)


def _text(content: str) -> dict[str, Any]:
    return {"type": "TEXT", "content": content, "mimeType": "text/plain"}


def _slots(_base: str) -> dict[str, Any]:
    day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    slots = [
        {"id": f"slot-{n}", "duration": 1800, "startTime": (day + timedelta(hours=h)).isoformat()}
        for n, h in enumerate((0, 1, 25), start=1)
    ]
    payload = {"title": _text("When?"), "event": {"title": _text("Call"), "timeSlots": slots}}
    return {"type": "TIME_PICKER", "payload": payload, "fallbackText": "When may we call?"}


def _form(_base: str) -> dict[str, Any]:
    parts = [("Morning", "PB-morning"), ("Evening", "PB-evening")]
    options = [{"title": _text(title), "postback": postback} for title, postback in parts]
    street = {"placeholder": "Elm 1", "options": {"multiline": False}}
    fields = [
        {"type": "TEXT", "ident": "street", **_labels("Street"), **street},
        {"type": "SELECT", "ident": "when", **_labels("When"), "options": options},
    ]
    payload = {
        "title": _text("Delivery"),
        "description": _text("Where may we bring it?"),
        "fields": fields,
        "submission": {"id": str(uuid.uuid4())},
    }
    return {"type": "FORM", "payload": payload, "fallbackText": "Please tell us your address."}


def _labels(name: str) -> dict[str, Any]:
    """Return what every field of a form must have."""
    return {"label": _text(name), "description": _text(f"{name}, please"), "multipleChoice": False}


def _inactivity(_base: str) -> dict[str, Any]:
    variables = {"startedAt": int(time.time() * 1000), "numberOfSeconds": 60}
    elements = [
        {"id": "x", "type": "TEXT", "text": "Are you still there?"},
        {"id": "c", "type": "COUNTDOWN", "variables": variables},
        {"id": "b", "type": "BUTTON", "text": "Yes, I am", "postback": '{"session":"refresh"}'},
    ]
    popup = [{"id": "p", "type": "INACTIVITY_POPUP", "elements": elements}]
    return {"type": "PLUGIN", "payload": {"elements": popup}}


def _streamed(base: str) -> dict[str, Any]:
    payload = {"protocol": "sse", "sourceUrl": f"{base}/streams/answer"}
    return {"type": "STREAMED", "payload": payload}


def _postback(_base: str) -> dict[str, Any]:
    return {"type": "POSTBACK", "payload": {"text": "An old kind of button", "postback": "PB-old"}}


_CONTENTS: Mapping[str, Content] = {
    **contents_with(_text),
    "slots": _slots,
    "form": _form,
    "streamed": _streamed,
    "inactivity": _inactivity,
    "postback": _postback,
}
KINDS = tuple(_CONTENTS)
