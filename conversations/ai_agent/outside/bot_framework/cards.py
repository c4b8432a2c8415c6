"""Draws a bot's cards and buttons with what every channel can show: texts, links, suggestions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.conv.offers import IMAGE, LABEL_MAX, OFFERS_MAX, URL, URL_MAX
from conversations.ai_agent.outside.bot_framework.kept import Kept
from integrations.kit.cutting import shortened
from integrations.kit.json_values import Json, any_text, as_object, as_objects, as_text, joined

_CARD = "application/vnd.microsoft.card."
_ADAPTIVE = f"{_CARD}adaptive"
# Where the texts of the other cards stand, in the order of reading.
_CARD_TEXTS = ("title", "subtitle", "text")
_NUMBER_MAX = 40
# Deeper than any card that a person reads.
_DEPTH_MAX = 8


@dataclass(slots=True)
class Drawing:
    """What one message shows; `missing` names what could not be drawn."""

    texts: list[str] = field(default_factory=list)
    suggestions: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def extra(self) -> dict[str, Any]:
        """Return what stands beside the text in the journal."""
        found = {
            "response_suggestions": self.suggestions[:OFFERS_MAX],
            "attachments": self.attachments[:OFFERS_MAX],
            "chat_call_actions": self.calls[:OFFERS_MAX],
        }
        return {key: items for key, items in found.items() if items}

    def say(self, *lines: str) -> None:
        """Add a paragraph, if it says something."""
        if text := joined(*(line.strip() for line in lines)):
            self.texts.append(text)


def attachment_draw(given: Json, drawing: Drawing, kept: Kept) -> None:
    """Draw a card, a picture or a file."""
    kind, content = as_text(given.get("contentType")), as_object(given.get("content"))
    if kind == _ADAPTIVE:
        _adaptive(content, drawing, kept)
    elif kind.startswith(_CARD):
        _card(kind.removeprefix(_CARD), content, drawing, kept)
    elif url := as_text(given.get("contentUrl")):
        _link(url, as_text(given.get("name")), drawing, is_image=kind.startswith("image/"))
    else:
        drawing.missing.append(kind or "an attachment without a type")


def action_draw(action: Json, drawing: Drawing, kept: Kept) -> None:
    """Draw a button: a link, a number to call, or a suggestion whose value stays with us."""
    kind, value = as_text(action.get("type")), action.get("value")
    title = shortened(as_text(action.get("title")).strip() or as_text(value).strip(), LABEL_MAX)
    if kind in ("openUrl", "signin", "downloadFile", "showImage", "playAudio", "playVideo"):
        _link(as_text(value), title, drawing)
    elif kind == "call":
        number = as_text(value).removeprefix("tel:").strip()[:_NUMBER_MAX]
        if number:
            drawing.calls.append({"title": title or number, "contact_number": number})
    elif kind in ("imBack", "postBack", "messageBack") and title:
        text = as_text(action.get("text"))
        shown = as_text(action.get("displayText")).strip() if kind == "messageBack" else ""
        label = shortened(shown, LABEL_MAX) or title
        key = kept.offer({"title": label, "type": kind, "value": value, "text": text})
        drawing.suggestions.append({"message_text": label, "payload": key})
    else:
        drawing.missing.append(f"a button of type {kind[:40]}")


def _card(kind: str, content: Json, drawing: Drawing, kept: Kept) -> None:
    """Draw a hero, thumbnail, receipt, sign-in or media card, which share their fields."""
    drawing.say(*(as_text(content.get(name)) for name in _CARD_TEXTS), *_receipt(content))
    for image in (*as_objects(content.get("images")), as_object(content.get("image"))):
        if url := as_text(image.get("url")):
            _link(url, as_text(image.get("alt")), drawing, is_image=True)
    for medium in as_objects(content.get("media")):
        _link(as_text(medium.get("url")), as_text(content.get("title")), drawing)
    buttons = as_objects(content.get("buttons"))
    for button in buttons:
        action_draw(button, drawing, kept)
    if not content:
        drawing.missing.append(f"a card of type {kind[:40]}")


def _receipt(content: Json) -> Iterator[str]:
    for fact in as_objects(content.get("facts")):
        yield _fact(fact.get("key"), fact.get("value"))
    for item in as_objects(content.get("items")):
        yield _fact(item.get("title"), item.get("price"))
    for name in ("vat", "tax", "total"):
        if content.get(name):
            yield _fact(name.capitalize(), content[name])


def _fact(name: object, value: object) -> str:
    return f"{as_text(name)}: {value}" if name and isinstance(value, str | int | float) else ""


def _adaptive(content: Json, drawing: Drawing, kept: Kept) -> None:
    lines = list(_adaptive_texts(content.get("body"), drawing, kept, 0))
    drawing.say(*lines)
    _adaptive_actions(content.get("actions"), drawing, kept)
    if not lines and (text := as_text(content.get("fallbackText") or content.get("speak"))):
        drawing.say(text)


def _adaptive_texts(items: object, drawing: Drawing, kept: Kept, depth: int) -> Iterator[str]:
    """Yield the texts of elements in order; pictures, buttons and inputs are drawn on the way."""
    if depth > _DEPTH_MAX:
        return
    for item in as_objects(items):
        kind = as_text(item.get("type"))
        if kind == "FactSet":
            for fact in as_objects(item.get("facts")):
                yield _fact(fact.get("title"), fact.get("value"))
        elif kind == "Image":
            _link(as_text(item.get("url")), as_text(item.get("altText")), drawing, is_image=True)
        elif kind == "ActionSet":
            _adaptive_actions(item.get("actions"), drawing, kept)
        elif kind.startswith("Input."):
            yield from _input(item, drawing)
        elif kind == "RichTextBlock":
            yield any_text(item.get("inlines"), ("text",))
        else:
            yield as_text(item.get("text"))
        for inside in ("items", "columns", "rows", "cells", "images"):
            yield from _adaptive_texts(item.get(inside), drawing, kept, depth + 1)


def _adaptive_actions(actions: object, drawing: Drawing, kept: Kept) -> None:
    for action in as_objects(actions):
        kind, title = as_text(action.get("type")), as_text(action.get("title"))
        if kind == "Action.OpenUrl":
            link = {"type": "openUrl", "title": title, "value": action.get("url")}
            action_draw(link, drawing, kept)
        elif kind in ("Action.Submit", "Action.Execute"):
            value = action.get("data")
            value = {} if value is None else value
            action_draw({"type": "postBack", "title": title, "value": value}, drawing, kept)
        elif kind == "Action.ShowCard":
            drawing.say(title)
            _adaptive(as_object(action.get("card")), drawing, kept)
        else:
            drawing.missing.append(f"a button of type {kind[:40]}")


def _input(item: Json, drawing: Drawing) -> Iterator[str]:
    """Yield what is asked, with its options; no channel of the AI agent has fields to fill in."""
    names = (as_text(item.get(key)) for key in ("label", "placeholder", "title"))
    name = next((name for name in names if name), "")
    options = [as_text(one.get("title")) for one in as_objects(item.get("choices"))]
    yield f"{name}: {', '.join(options)}" if options else name
    drawing.missing.append(f"a field of type {as_text(item.get('type'))[:40]}")


def _link(url: str, title: str, drawing: Drawing, *, is_image: bool = False) -> None:
    """Add an address: as what a client can open, else in the text, or not at all."""
    if url.startswith("http://") and len(url) <= URL_MAX:
        drawing.say(f"{title}: {url}" if title else url)
    elif url.startswith("https://") and len(url) <= URL_MAX:
        drawing.attachments.append(_attachment(url, shortened(title, 500), is_image=is_image))
    else:
        drawing.missing.append("an address that nobody could open")


def _attachment(url: str, title: str, *, is_image: bool) -> dict[str, Any]:
    return {
        "title": title,
        "call_to_action_text": "" if is_image else title,
        "content_url": url,
        "content_type": IMAGE if is_image else URL,
        "preview_image_url": url if is_image else "",
    }
