"""Turns whatever a live agent can send into plain text and, where there is one, a file."""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from integrations.kit.json_values import Json, as_object, as_objects, as_text

UNSUPPORTED = "[unsupported message]"
_ANY_TYPE = "application/octet-stream"
_MAX_NAME = 128
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file of a message, still at Zendesk."""

    url: str = field(repr=False)
    file_name: str = field(repr=False)
    mime_type: str


def content_text(content: Json) -> str:
    """Return a content as text; empty only where it is a file and nothing else."""
    kind = as_text(content.get("type"))
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(content)
    return _said(content) or as_text(content.get("textFallback")) or UNSUPPORTED


def content_media(content: Json) -> Media | None:
    """Return the file of an image or file message."""
    url = as_text(content.get("mediaUrl"))
    if as_text(content.get("type")) not in ("image", "file") or not url:
        return None
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    given = as_text(content.get("altText"))
    # An alternative text is a description more often than a name.
    if given and PurePosixPath(given).suffix:
        name = given
    guessed = mimetypes.guess_type(name)[0] or _ANY_TYPE
    return Media(
        url=url,
        file_name=(name or "file")[:_MAX_NAME],
        mime_type=as_text(content.get("mediaType")) or guessed,
    )


def _said(content: Json) -> str:
    plain = as_text(content.get("text")) or as_text(content.get("markdownText"))
    return plain or html.unescape(_TAG.sub("", as_text(content.get("htmlText")))).strip()


def _text(content: Json) -> str:
    return _lines(_said(content), *_choices(content)) or UNSUPPORTED


def _file(content: Json) -> str:
    said = _lines(_said(content), *_choices(content))
    return said or ("" if as_text(content.get("mediaUrl")) else UNSUPPORTED)


def _items(content: Json) -> str:
    items = [
        _lines(
            f"{number}. {as_text(item.get('title'))}",
            as_text(item.get("description")),
            *_choices(item),
        )
        for number, item in enumerate(as_objects(content.get("items")), start=1)
    ]
    return _lines(*items, *_choices(content)) or _said(content) or UNSUPPORTED


def _form(content: Json) -> str:
    labels = [as_text(item.get("label")) for item in as_objects(content.get("fields"))]
    return _lines(_said(content), *(f"{label}:" for label in labels if label)) or UNSUPPORTED


def _location(content: Json) -> str:
    place = as_object(content.get("location"))
    named = _lines(as_text(place.get("name")), as_text(place.get("address")))
    if named or _said(content):
        return named or _said(content)
    at = as_object(content.get("coordinates"))
    latitude, longitude = at.get("lat"), at.get("long")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return UNSUPPORTED
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"


def _choices(content: Json) -> list[str]:
    """Write buttons as lines: what they say, and where they lead."""
    lines = []
    for action in as_objects(content.get("actions")):
        said, uri = as_text(action.get("text")), as_text(action.get("uri"))
        lines.append(f"- {said}: {uri}" if uri else f"- {said}")
    return lines


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


_READERS: Mapping[str, Callable[[Json], str]] = {
    "text": _text,
    "image": _file,
    "file": _file,
    "carousel": _items,
    "list": _items,
    "form": _form,
    "location": _location,
}
