"""How an end user reaches a project, and how a widget looks and is called in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.conf import settings
from django.db import models

from integrations.behaviour.languages import DEFAULT, language_of
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Environment, Lockable, Project
from integrations.models.identifiers import public_widget_key


class Channel(Lockable):
    """A webchat connector: its public key, its secret token and the pages that may use it."""

    class Kind(models.TextChoices):
        """The kinds of channel."""

        WEBCHAT = "webchat", "Webchat"
        CHAT = "chat", "Test panel"
        SMS = "sms", "SMS"

    class HandoffMode(models.TextChoices):
        """Who carries out a handoff that the Chat API's client sees."""

        CLIENT = "client", "The client of the Chat API"
        SERVER = "server", "This portal"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.WEBCHAT)
    name = models.CharField(max_length=80)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    public_key = models.CharField(max_length=64, unique=True, default=public_widget_key)
    secret_token_hash = models.CharField(max_length=64, blank=True)
    # host[:port] of pages that may carry the widget; subdomains of a listed host are included
    allowed_origins = models.JSONField(default=list)
    # A new token of this key opens a session of a mobile app again: its id is the secret.
    allows_apps = models.BooleanField(default=False, db_default=False)
    # The variant of a conversation that names none, by its id.
    variant_id = models.CharField(max_length=40, blank=True, db_default="", default="")
    # For conversations over the Chat API; a widget's handoffs are always the portal's.
    handoff_mode = models.CharField(
        max_length=8,
        choices=HandoffMode.choices,
        default=HandoffMode.CLIENT,
        db_default=HandoffMode.CLIENT,
    )
    title = models.CharField(max_length=60, default="Chat with us")
    accent = models.CharField(max_length=7, default="#2457d6")
    # Name, colours, place and words, per language (widget/brand_form.py).
    brand = models.JSONField(default=dict, db_default={}, blank=True)
    # Consent and form before a conversation (widget/before.py).
    before = models.JSONField(default=dict, db_default={}, blank=True)
    # Whom the survey asks about, and how long (survey/settings.py).
    survey = models.JSONField(default=dict, db_default={}, blank=True)
    # Secrets of verified context by key id (widget/verified_context.py).
    context_keys = EncryptedJSONField(blank=True, null=True)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class BrandImage(models.Model):
    """A picture of a widget, small enough to stand beside its row; one of each kind."""

    class Kind(models.TextChoices):
        """Where it stands."""

        AVATAR = "avatar", "Picture of the AI agent"
        HEADER = "header", "Picture above the header"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="images")
    kind = models.CharField(
        max_length=8, choices=Kind.choices, default=Kind.AVATAR, db_default=Kind.AVATAR
    )
    # Part of its address, new with every picture: browsers keep one for long.
    token = models.CharField(max_length=64, unique=True)
    mime_type = models.CharField(max_length=32)
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "kind"], name="brand_image_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.channel_id}"


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
    return image_urls(channel).get(BrandImage.Kind.AVATAR, "")


def image_urls(channel: Channel) -> dict[str, str]:
    """Return the addresses of a widget's pictures, by their kind."""
    kept = BrandImage.objects.filter(channel=channel).values_list("kind", "token")
    return {kind: f"{settings.PUBLIC_URL}/brand/{token}" for kind, token in kept}
