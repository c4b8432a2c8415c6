"""What the channel tells of itself: its kind, its fields, its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.kit.json_values import Json, as_id, as_object, as_objects, as_text, count_read

MEGABYTE = 1024 * 1024
# What a type with a star stands for: the kinds that a portal is likely to be given.
_STARS: Mapping[str, tuple[str, ...]] = {
    "image/*": ("image/png", "image/jpeg", "image/gif", "image/webp", "image/heic"),
    "text/*": ("text/plain", "text/csv", "text/html", "text/markdown"),
    "audio/*": ("audio/mpeg", "audio/mp4", "audio/x-wav", "audio/ogg"),
    "video/*": ("video/mp4", "video/quicktime", "video/webm"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A custom field: its ident, and for a list the values by their label."""

    ident: str
    is_required: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as its admin has set it up."""

    name: str
    is_live_chat: bool
    is_online: bool
    needs_token: bool
    contact_fields: Mapping[str, Definition]
    customer_fields: Mapping[str, Definition]
    # None where files are switched off; no types: any.
    max_bytes: int | None
    mime_types: tuple[str, ...]


def channel_of(info: Json) -> Channel:
    """Read ChannelInfo; what is missing is read as the usual."""
    settings = as_object(info.get("settings"))
    files = as_object(settings.get("fileRestrictions"))
    form = as_objects(as_object(info.get("preContactForm")).get("customFields"))
    asked = [_definition(as_object(one.get("definition")), one) for one in form]
    contact = [_definition(one, one) for one in as_objects(info.get("caseCustomFields"))]
    customer = [_definition(one, one) for one in as_objects(info.get("endUserCustomFields"))]
    return Channel(
        name=as_text(info.get("name")),
        is_live_chat=info.get("isLiveChat") is True,
        is_online=is_online(as_object(info.get("availability"))),
        needs_token=_needs_token(info, as_object(settings.get("features"))),
        contact_fields={one.ident: one for one in (*contact, *asked) if one.ident},
        customer_fields={one.ident: one for one in customer if one.ident},
        max_bytes=_max_bytes(files),
        mime_types=_types(files),
    )


def is_online(availability: Json) -> bool:
    """Say whether anybody is there; only the word offline says no."""
    return availability.get("status") != "offline"


def _needs_token(info: Json, features: Json) -> bool:
    is_secured = any(
        (
            info.get("isAuthorizationEnabled") is True,
            info.get("isSecuredCookieEnabled") is True,
            features.get("securedSessions") is True,
        )
    )
    return is_secured or info.get("isUnsecuredConnectionAllowed") is False


def _definition(raw: Json, entry: Json) -> Definition:
    return Definition(
        ident=as_text(raw.get("ident")),
        is_required=entry.get("isRequired") is True or raw.get("required") is True,
        values={
            as_text(one.get("value")): as_text(one.get("name"))
            for one in as_objects(raw.get("values"))
        },
    )


def _max_bytes(files: Json) -> int | None:
    if files.get("isAttachmentsEnabled") is False:
        return None
    size = count_read(as_id(files.get("allowedFileSize")))
    return (size or 25) * MEGABYTE


def _types(files: Json) -> tuple[str, ...]:
    named = [as_text(one.get("mimeType")) for one in as_objects(files.get("allowedFileTypes"))]
    if "*/*" in named:
        return ()
    return tuple(kind for one in named for kind in _STARS.get(one, (one,)) if kind)
