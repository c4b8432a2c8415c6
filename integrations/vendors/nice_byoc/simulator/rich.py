"""Rich messages as the pretend agents send them to a BYOC channel."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP8z8Dwn4GBgYmBgQEADQAC/0hM"
    "lWwAAAAASUVORK5CYII="
)


def picture() -> Response:
    """Answer with a small picture."""
    return Response(PNG, media_type="image/png")


def content_of(kind: str, base_url: str) -> dict[str, Any]:
    """Return messageContent of a kind."""
    return {"fallbackText": "", **_CONTENTS[kind](base_url)}


def _text(content: str) -> dict[str, str]:
    return {"content": content}


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


def _menu(base: str) -> dict[str, Any]:
    elements = [
        {"id": "t", "type": "TITLE", "text": "Your order"},
        {"id": "x", "type": "TEXT", "text": "What shall we do?"},
        {"id": "f", "type": "FILE", "url": f"{base}/pictures/order.png", "mimeType": "image/png"},
        {"id": "b1", "type": "BUTTON", "text": "Send it again", "postback": "PB-again"},
        {"id": "b2", "type": "BUTTON", "text": "Our shop", "url": "https://shop.example/"},
    ]
    return {"type": "PLUGIN", "payload": {"elements": [{"type": "MENU", "elements": elements}]}}


def _card(_base: str) -> dict[str, Any]:
    payload = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock"}]}
    return {"type": "ADAPTIVE_CARD", "payload": payload, "fallbackText": "Your order has arrived."}


def _unknown(_base: str) -> dict[str, Any]:
    return {"type": "HOLOGRAM", "payload": {"model": "parcel"}}


_CONTENTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "choices": _choices,
    "cards": _menu,
    "list": _list,
    "link": _link,
    "adaptive_card": _card,
    "unknown": _unknown,
}
KINDS = tuple(_CONTENTS)
