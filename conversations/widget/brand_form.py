"""The form of how a widget looks: colours, place, picture, and its words in each language."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from conversations.files.types import HEAD_BYTES, IMAGE_TYPES, image_type
from conversations.models import BrandImage, Channel
from conversations.models.channel import Brand, brand_of
from conversations.widget.channels import accent_read, contrast_with_white
from integrations.behaviour.languages import DEFAULT, languages

# Of each kind of picture.
MAX_BYTES = {"avatar": 1_000_000, "header": 2_000_000}
OFFSET_MAX = 400
# White text reads well from here on (WCAG 2, AA).
CONTRAST_NEEDED = 4.5
_TEXTS = {
    "title": ("Title", 60),
    "agent_name": ("Name of the AI agent", 50),
    "welcome": ("Welcome", 100),
    "launcher": ("Words beside the round button", 30),
}
_HELP = {
    "title": "In the header while nobody speaks: while waiting, and at the end.",
    "welcome": "Above the conversation until the end user writes.",
}
_PICTURES = ", ".join(sorted(one.rpartition("/")[2].upper() for one in IMAGE_TYPES))


def _picture(label: str, about: str) -> forms.FileField:
    return forms.FileField(
        required=False,
        label=label,
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(IMAGE_TYPES))}),
        help_text=f"{_PICTURES}, {about}. Its first bytes count, not its name.",
    )


class BrandForm(forms.Form):
    """What makes a widget look like the customer's own; the title in English is the usual one."""

    accent = forms.CharField(
        max_length=7,
        label="Accent colour",
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text="The round button and the end user's own messages.",
    )
    has_header_colour = forms.BooleanField(
        label="The header has a colour of its own", required=False
    )
    header_colour = forms.CharField(
        max_length=7,
        required=False,
        label="Colour of the header",
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    avatar = _picture("Picture of the AI agent", "at most 1 MB; square pictures look best")
    removes_avatar = forms.BooleanField(label="Remove the picture", required=False)
    header_image = _picture(
        "Picture above the header", "at most 2 MB; wide ones look best, what stands out is cut"
    )
    removes_header_image = forms.BooleanField(
        label="Remove the picture above the header", required=False
    )
    corner = forms.ChoiceField(
        label="Corner of the page",
        choices=[
            ("end", "Where lines end: right, and left in Arabic"),
            ("start", "Where lines begin: left, and right in Arabic"),
        ],
    )
    offset_x = forms.IntegerField(
        label="Distance from the side", min_value=0, max_value=OFFSET_MAX, help_text="Pixels."
    )
    offset_y = forms.IntegerField(
        label="Distance from the bottom", min_value=0, max_value=OFFSET_MAX, help_text="Pixels."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the words of each language."""
        super().__init__(*args, **kwargs)
        for code in languages():
            for name, (label, length) in _TEXTS.items():
                self.fields[f"{name}_{code}"] = forms.CharField(
                    label=label,
                    required=False,
                    help_text=_HELP.get(name, "") if code == DEFAULT else "",
                    max_length=length,
                    widget=forms.TextInput(attrs={"lang": code, "dir": "auto"}),
                )

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Return what the form shows of a channel."""
        brand = brand_of(channel)
        texts = {
            f"{name}_{code}": text
            for code, found in brand.texts.items()
            for name, text in found.items()
        }
        return {
            "accent": channel.accent,
            "has_header_colour": bool(brand.header_colour),
            "header_colour": brand.header_colour or channel.accent,
            "corner": brand.corner,
            "offset_x": brand.offset_x,
            "offset_y": brand.offset_y,
            "title_en": channel.title,
            **texts,
        }

    def groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Return heading, remark and fields of each part of the page."""
        looks = ["accent", "has_header_colour", "header_colour", "avatar", "removes_avatar"]
        looks += ["header_image", "removes_header_image"]
        parts = [
            ("Colours and pictures", self._contrast(), [self[name] for name in looks]),
            ("Place", "", [self[name] for name in ("corner", "offset_x", "offset_y")]),
        ]
        for code, language in languages().items():
            words = [self[f"{name}_{code}"] for name in _TEXTS]
            parts.append((f"Words in {language.name}", "", words))
        return parts

    def clean_accent(self) -> str:
        """Return the colour as #rrggbb."""
        return _colour(self.cleaned_data["accent"])

    def clean_header_colour(self) -> str:
        """Return the colour as #rrggbb; empty where the header has none of its own."""
        is_own = self.cleaned_data.get("has_header_colour")
        return _colour(self.cleaned_data["header_colour"]) if is_own else ""

    def clean_avatar(self) -> UploadedFile[bytes] | None:
        """Take a picture that is one by its first bytes, and no other file."""
        return _checked(self.cleaned_data["avatar"], MAX_BYTES["avatar"])

    def clean_header_image(self) -> UploadedFile[bytes] | None:
        """Take a picture likewise."""
        return _checked(self.cleaned_data["header_image"], MAX_BYTES["header"])

    def values(self, channel: Channel) -> dict[str, Any]:
        """Return the fields of the channel that are to be saved."""
        found = self.cleaned_data
        texts = {
            code: {name: found[f"{name}_{code}"] for name in _TEXTS if found[f"{name}_{code}"]}
            for code in languages()
        }
        title = texts["en"].pop("title", "") or channel.title
        brand = Brand(
            header_colour=found["header_colour"],
            corner=found["corner"],
            offset_x=found["offset_x"],
            offset_y=found["offset_y"],
            texts={code: words for code, words in texts.items() if words},
        )
        return {"accent": found["accent"], "title": title, "brand": brand.as_dict()}

    def saved(self, channel: Channel) -> None:
        """Keep or remove the pictures, beside the channel's own fields."""
        for kind, name in (("avatar", "avatar"), ("header", "header_image")):
            if file := self.cleaned_data[name]:
                image_set(channel, kind, file.read())
            elif self.cleaned_data[f"removes_{name}"]:
                channel.images.filter(kind=kind).delete()

    def _contrast(self) -> str:
        """Say where a colour is adjusted, and why."""
        low = {
            label: contrast
            for name, label in (("accent", "accent colour"), ("header_colour", "header"))
            if (contrast := _contrast_of(str(self[name].value() or ""))) < CONTRAST_NEEDED
        }
        if not low:
            return ""
        told = ", ".join(f"on the {label} {contrast:.1f} to 1" for label, contrast in low.items())
        return (
            f"White text has too little contrast here ({told}; {CONTRAST_NEEDED} is needed): the "
            "widget writes dark text instead, and adjusts the colour where it is text itself."
        )


@transaction.atomic
def image_set(channel: Channel, kind: str, content: bytes) -> None:
    """Keep a picture under a new address."""
    BrandImage.objects.update_or_create(
        channel=channel,
        kind=kind,
        defaults={
            "token": secrets.token_urlsafe(16),
            "mime_type": image_type(content[:HEAD_BYTES]),
            "content": content,
        },
    )


def _checked(file: UploadedFile[bytes] | None, most: int) -> UploadedFile[bytes] | None:
    if not file:
        return None
    if (file.size or 0) > most:
        raise ValidationError(f"The picture has {file.size} bytes; {most:,} are allowed.")
    if not image_type(file.read(HEAD_BYTES)):
        raise ValidationError(f"This is no picture of a type that is taken: {_PICTURES}.")
    file.seek(0)
    return file


def _colour(text: str) -> str:
    try:
        return accent_read(text)
    except ValueError as error:
        raise ValidationError(f"{error}.".capitalize()) from error


def _contrast_of(colour: str) -> float:
    try:
        return contrast_with_white(accent_read(colour))
    except ValueError:
        return CONTRAST_NEEDED
