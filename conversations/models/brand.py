"""How a widget looks and is called, in each language, as its row keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.conf import settings

from conversations.models.channel import BrandImage, Channel
from integrations.behaviour.languages import DEFAULT, language_of

# What every project and widget begins with: until it is worded anew, it speaks each language.
TITLE = "Chat with us"
AGENT_NAME = "AI agent"
OFFSET = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """`texts` holds title, welcome, launcher and agent_name by language."""

    header_colour: str = ""
    corner: str = "end"
    offset_x: int = OFFSET
    offset_y: int = OFFSET
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what the channel keeps."""
        return asdict(self)

    def text(self, name: str, locale: str) -> str:
        """Return a text in the language of a locale; empty where there is none of its own."""
        return str(self.texts.get(language_of(locale), {}).get(name, ""))


def brand_of(channel: Channel) -> Brand:
    """Return a channel's brand; a value stored under an unknown name is ignored."""
    known = {one.name for one in fields(Brand)}
    return Brand(**{k: v for k, v in (channel.brand or {}).items() if k in known})


def title_of(channel: Channel, locale: str) -> str:
    """Return the widget's title; empty where the widget's own word in that language will do."""
    own = brand_of(channel).text("title", locale)
    is_default = channel.title == TITLE and language_of(locale) != DEFAULT
    return own or ("" if is_default else channel.title)


def agent_name_of(channel: Channel, locale: str) -> str:
    """Return what the AI agent is called in a language; empty where the usual word will do."""
    own = brand_of(channel).text("agent_name", locale)
    name = channel.project.agent_name
    is_default = name == AGENT_NAME and language_of(locale) != DEFAULT
    return own or ("" if is_default else name)


def avatar_url(channel: Channel) -> str:
    """Return the address of the AI agent's picture; empty without one."""
    image = BrandImage.objects.filter(channel=channel).only("token").first()
    return f"{settings.PUBLIC_URL}/brand/{image.token}" if image else ""
