"""Rich messages as the pretend agents and bots send them: each content type of the page."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

STREAMED_TEXT = "Your parcel is on its way and arrives tomorrow."
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP8z8Dwn4GBgYmBgQEADQAC/0hM"
    "lWwAAAAASUVORK5CYII="
)


def picture() -> Response:
    """Answer with a small picture."""
    return Response(PNG, media_type="image/png")


def content_of(kind: str, base_url: str) -> dict[str, Any]:
    """Return messageContent of a kind."""
    made = _CONTENTS[kind](base_url)
    return {"fallbackText": "", **made}


def _text(content: str) -> dict[str, str]:
    return {"type": "TEXT", "content": content, "mimeType": "text/plain"}


def _button(text: str, postback: str, **more: Any) -> dict[str, Any]:
    return {"type": "REPLY_BUTTON", "text": text, "postback": postback, **more}


def _choices(_base: str) -> dict[str, Any]:
    actions = [_button("Yes", "PB-yes"), _button("No, refund it", "PB-no")]
    payload = {"text": _text("Shall we send it again?"), "actions": actions}
    return {"type": "QUICK_REPLIES", "payload": payload, "fallbackText": "Yes or no?"}


def _list(base: str) -> dict[str, Any]:
    icon = {"fileName": "home.png", "url": f"{base}/pictures/home.png", "mimeType": "image/png"}
    actions = [
        _button("To your door", "PB-door", icon=icon, description="Tomorrow by noon"),
        _button("To a shop", "PB-shop", description="Today from five"),
    ]
    payload = {"title": _text("Delivery"), "text": _text("Where to?"), "actions": actions}
    return {"type": "LIST_PICKER", "payload": payload, "fallbackText": "Door or shop?"}


def _link(base: str) -> dict[str, Any]:
    media = {"url": f"{base}/pictures/shop.png", "fileName": "shop.png", "mimeType": "image/png"}
    payload = {"title": _text("Our shop"), "url": "https://shop.example/", "media": media}
    return {"type": "RICH_LINK", "payload": payload}


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


def _menu(base: str) -> dict[str, Any]:
    elements = [
        {"id": "t", "type": "TITLE", "text": "Your order"},
        {"id": "s", "type": "SUBTITLE", "text": "BL-20931"},
        {"id": "x", "type": "TEXT", "text": "What shall we do?"},
        {"id": "f", "type": "FILE", "url": f"{base}/pictures/order.png", "mimeType": "image/png"},
        {"id": "b1", "type": "BUTTON", "text": "Send it again", "postback": "PB-again"},
        {"id": "b2", "type": "BUTTON", "text": "Our shop", "url": "https://shop.example/"},
    ]
    return {"type": "PLUGIN", "payload": {"elements": [{"type": "MENU", "elements": elements}]}}


def _inactivity(_base: str) -> dict[str, Any]:
    variables = {"startedAt": int(time.time() * 1000), "numberOfSeconds": 60}
    elements = [
        {"id": "x", "type": "TEXT", "text": "Are you still there?"},
        {"id": "c", "type": "COUNTDOWN", "variables": variables},
        {"id": "b", "type": "BUTTON", "text": "Yes, I am", "postback": '{"session":"refresh"}'},
    ]
    popup = [{"id": "p", "type": "INACTIVITY_POPUP", "elements": elements}]
    return {"type": "PLUGIN", "payload": {"elements": popup}}


def _card(_base: str) -> dict[str, Any]:
    payload = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock"}]}
    return {"type": "ADAPTIVE_CARD", "payload": payload, "fallbackText": "Your order has arrived."}


def _streamed(base: str) -> dict[str, Any]:
    payload = {"protocol": "sse", "sourceUrl": f"{base}/streams/answer"}
    return {"type": "STREAMED", "payload": payload}


def _unknown(_base: str) -> dict[str, Any]:
    return {"type": "HOLOGRAM", "payload": {"model": "parcel"}}


def _postback(_base: str) -> dict[str, Any]:
    return {"type": "POSTBACK", "payload": {"text": "An old kind of button", "postback": "PB-old"}}


_CONTENTS: Mapping[str, Any] = {
    "choices": _choices,
    "cards": _menu,
    "slots": _slots,
    "form": _form,
    "list": _list,
    "link": _link,
    "adaptive_card": _card,
    "streamed": _streamed,
    "inactivity": _inactivity,
    "postback": _postback,
    "unknown": _unknown,
}
KINDS = tuple(_CONTENTS)
