"""What a message may hold beside its text: one model for every vendor, both ways."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


class Markup(enum.Enum):
    """How a text is written; HTML never passes, a mapping turns it into one of these."""

    PLAIN = "plain"
    MARKDOWN = "markdown"


class Author(enum.Enum):
    """Who wrote a message: a person, or the vendor's own bot or flow."""

    LIVE_AGENT = "live_agent"
    VENDOR_BOT = "vendor_bot"


class ChoiceKind(enum.Enum):
    """What happens when a choice is taken: an answer, a page, a call."""

    REPLY = "reply"
    LINK = "link"
    PHONE = "phone"


class FieldKind(enum.Enum):
    """What a field of a form takes."""

    TEXT = "text"
    EMAIL = "email"
    NUMBER = "number"
    DATE = "date"
    SELECT = "select"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to take; `token` is what the vendor wants back, never shown to the end user.

    `url` is a page for LINK and `tel:…` or the bare number for PHONE. `image_url` is the vendor's.
    """

    label: str = field(repr=False)
    token: str = field(default="", repr=False)
    kind: ChoiceKind = ChoiceKind.REPLY
    url: str = field(default="", repr=False)
    image_url: str = field(default="", repr=False)
    description: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A titled text with an image and choices of its own; several are a carousel or a list."""

    title: str = field(repr=False)
    text: str = field(default="", repr=False)
    image_url: str = field(default="", repr=False)
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time to take; `starts_at` knows its zone, `label` may be empty."""

    starts_at: datetime
    token: str = field(repr=False)
    duration_seconds: int | None = None
    label: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question of a form; `options` is for SELECT, their tokens are what goes back."""

    name: str
    label: str = field(repr=False)
    kind: FieldKind = FieldKind.TEXT
    options: tuple[Choice, ...] = ()
    is_required: bool = False
    # What the vendor has filled in already.
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Questions that are answered together; `token` is what the vendor wants back with them."""

    fields: tuple[FormField, ...]
    title: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RichContent:
    """What a message offers; false when it offers nothing.

    `place` says where the slots are. `unknown_kind` is the vendor's name of a content that has no
    place in this model: the end user is told so in one sentence, with `unknown_url` where there is
    one, and the operator reads the kind.
    """

    choices: tuple[Choice, ...] = ()
    cards: tuple[Card, ...] = ()
    slots: tuple[Slot, ...] = ()
    place: str = field(default="", repr=False)
    form: Form | None = None
    unknown_kind: str = ""
    unknown_url: str = field(default="", repr=False)

    @property
    def every_choice(self) -> tuple[Choice, ...]:
        """Return all choices, those of its cards included."""
        return (*self.choices, *(choice for card in self.cards for choice in card.choices))

    def __bool__(self) -> bool:
        """Say whether there is anything beside the text."""
        offers = self.choices or self.cards or self.slots or self.form
        return bool(offers or self.unknown_kind)


NO_RICH_CONTENT = RichContent()


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFile:
    """A file of a message; `url` is the vendor's, fetched by the portal and never shown."""

    file_name: str = field(repr=False)
    mime_type: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the end user took of a message: `token` of the choice, the slot or the form.

    `vendor_message_id` is the one that LiveAgentMessage carried. `values` answers a form by the
    names of its fields; for SELECT it has the option's token. The message's text is the label.
    """

    vendor_message_id: str
    token: str = field(repr=False)
    label: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
