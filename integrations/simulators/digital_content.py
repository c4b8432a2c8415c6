"""Rich messages of CXone Digital, as the pretend agents of either way to it send them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP8z8Dwn4GBgYmBgQEADQAC/0hM"
    "lWwAAAAASUVORK5CYII="
)
Made = dict[str, Any]
# How a way writes a text; what a kind of message is, with pictures under an address.
Text = Callable[[str], Made]
Content = Callable[[str], Made]


def picture() -> Response:
    """Answer with a small picture."""
    return Response(PNG, media_type="image/png")


def contents_with(text: Text) -> dict[str, Content]:
    """Return the kinds that both ways have, with texts as one of them writes them."""
    return {kind: partial(make, text) for kind, make in _CONTENTS.items()}


def content_made(make: Content, base_url: str) -> Made:
    """Return messageContent, which always has a fallbackText."""
    return {"fallbackText": "", **make(base_url)}


def _button(words: str, postback: str, **more: Any) -> Made:
    return {"type": "REPLY_BUTTON", "text": words, "postback": postback, **more}


def _choices(text: Text, _base: str) -> Made:
    actions = [_button("Yes", "PB-yes"), _button("No, refund it", "PB-no")]
    payload = {"text": text("Shall we send it again?"), "actions": actions}
    return {"type": "QUICK_REPLIES", "payload": payload, "fallbackText": "Yes or no?"}


def _list(text: Text, base: str) -> Made:
    icon = {"fileName": "home.png", "url": f"{base}/pictures/home.png", "mimeType": "image/png"}
    actions = [
        _button("To your door", "PB-door", icon=icon, description="Tomorrow by noon"),
        _button("To a shop", "PB-shop", description="Today from five"),
    ]
    payload = {"title": text("Delivery"), "text": text("Where to?"), "actions": actions}
    return {"type": "LIST_PICKER", "payload": payload, "fallbackText": "Door or shop?"}


def _link(text: Text, base: str) -> Made:
    media = {"url": f"{base}/pictures/shop.png", "fileName": "shop.png", "mimeType": "image/png"}
    payload = {"title": text("Our shop"), "url": "https://shop.example/", "media": media}
    return {"type": "RICH_LINK", "payload": payload}


def _menu(_text: Text, base: str) -> Made:
    elements = [
        {"id": "t", "type": "TITLE", "text": "Your order"},
        {"id": "s", "type": "SUBTITLE", "text": "BL-20931"},
        {"id": "x", "type": "TEXT", "text": "What shall we do?"},
        {"id": "f", "type": "FILE", "url": f"{base}/pictures/order.png", "mimeType": "image/png"},
        {"id": "b1", "type": "BUTTON", "text": "Send it again", "postback": "PB-again"},
        {"id": "b2", "type": "BUTTON", "text": "Our shop", "url": "https://shop.example/"},
    ]
    return {"type": "PLUGIN", "payload": {"elements": [{"type": "MENU", "elements": elements}]}}


def _card(_text: Text, _base: str) -> Made:
    payload = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock"}]}
    return {"type": "ADAPTIVE_CARD", "payload": payload, "fallbackText": "Your order has arrived."}


def _unknown(_text: Text, _base: str) -> Made:
    return {"type": "HOLOGRAM", "payload": {"model": "parcel"}}


_CONTENTS: Mapping[str, Callable[[Text, str], Made]] = {
    "choices": _choices,
    "cards": _menu,
    "list": _list,
    "link": _link,
    "adaptive_card": _card,
    "unknown": _unknown,
}
