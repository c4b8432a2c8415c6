"""How a widget looks to the page that carries it, in one language."""

from __future__ import annotations

from typing import Any

from conversations.models import Channel
from conversations.models.channel import OFFSET, agent_name_of, brand_of, image_urls, title_of
from conversations.widget.before import before_look
from conversations.widget.words import widget_words_of
from integrations.behaviour.languages import language_of, languages


def look(channel: Channel, locale: str = "") -> dict[str, Any]:
    """Return what a page needs to draw the widget before it is opened, in one language."""
    brand, images = brand_of(channel), image_urls(channel)
    found: dict[str, Any] = {
        "title": title_of(channel, locale),
        "accent": channel.accent,
        "agent_name": agent_name_of(channel, locale),
    }
    more = {
        "header": brand.header_colour,
        "avatar_url": images.get("avatar"),
        "header_image_url": images.get("header"),
        "welcome": brand.text("welcome", locale),
        "launcher": brand.text("launcher", locale),
        "before": before_look(channel, locale),
    }
    if (brand.corner, brand.offset_x, brand.offset_y) != ("end", OFFSET, OFFSET):
        more["place"] = {"corner": brand.corner, "x": brand.offset_x, "y": brand.offset_y}
    return found | {name: value for name, value in more.items() if value}


def spoken_look(channel: Channel, locale: str) -> dict[str, Any]:
    """Return the look with all that the widget says by itself."""
    language = languages()[language_of(locale)]
    found = {
        **look(channel, locale),
        "language": language.code,
        "words": widget_words_of(channel.project_id, locale),
    }
    return found if language.direction == "ltr" else {**found, "direction": language.direction}
